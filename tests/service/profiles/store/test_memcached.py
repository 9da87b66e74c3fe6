"""Profiles on real memcached servers."""

from collections.abc import Iterator

import pytest

from chaos.memcached import Server, servers, wire
from service.profiles.store.errors import ProfileStoreError, ProfileTooLargeError
from service.profiles.store.memcached import Memcached

PATIENT_MS = 10_000
KEYS = [f"0123456789abcdef:{number}" for number in range(60)]
KEY, VALUE = KEYS[0], b"\x00 a profile \r\n"


@pytest.fixture
def three() -> Iterator[list[Server]]:
    with servers(3) as started:
        yield started


@pytest.fixture
def store(three: list[Server]) -> Iterator[Memcached]:
    opened = Memcached(",".join(each.address for each in three), PATIENT_MS)
    yield opened
    opened.close()


def how(store: Memcached, key: str) -> str:
    """How reading goes."""
    try:
        return "missing" if store.read(key) is None else "found"
    except ProfileStoreError:
        return "failed"


def test_what_was_stored_is_read(store: Memcached) -> None:
    assert store.read(KEY) is None
    store.restore(KEY, VALUE)
    assert store.read(KEY) == VALUE


def test_what_is_there_is_replaced_only_if_it_has_to_be(store: Memcached) -> None:
    store.restore(KEY, VALUE)
    store.restore(KEY, b"another")
    assert store.read(KEY) == VALUE
    store.replace(KEY, b"another")
    assert store.read(KEY) == b"another"


def test_a_value_that_is_too_large_is_distinguished_from_a_failure(store: Memcached) -> None:
    for write in (store.restore, store.replace):
        with pytest.raises(ProfileTooLargeError):
            write(KEY, bytes(2_000_000))
    assert store.read(KEY) is None


def test_keys_are_spread_over_the_servers(store: Memcached, three: list[Server]) -> None:
    for key in KEYS:
        store.restore(key, VALUE)
    assert all(store.read(key) for key in KEYS)
    counts = [each.keys() for each in three]
    assert sum(counts) == 60
    assert min(counts) > 5


def test_every_thread_may_read(store: Memcached) -> None:
    for key in KEYS:
        store.restore(key, VALUE)
    assert list(store.threads.map(store.read, KEYS * 5)) == [VALUE] * 300


def test_of_a_server_that_is_gone_only_its_own_keys_are(
    store: Memcached, three: list[Server]
) -> None:
    for key in KEYS:
        store.restore(key, VALUE)
        assert store.read(key)
    lost = three[0].keys()
    three[0].kill()
    assert "failed" in [how(store, key) for key in KEYS]
    # After some more, the others are asked: they know nothing of these keys, and take them.
    while "failed" in (went := [how(store, key) for key in KEYS]):
        pass
    missing = [key for key, how_it_went in zip(KEYS, went, strict=True) if how_it_went == "missing"]
    assert len(missing) == lost
    for key in missing:
        store.restore(key, VALUE)
    assert all(store.read(key) for key in KEYS)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\r\n",
        b"ERROR\r\n",
        b"SERVER_ERROR \r\n",
        b"VALUE\r\n",
        b"VALUE x 0 1\r\n.\r\nEND\r\n",
        b"VALUE %s zero one\r\n",
    ],
)
def test_garbage_is_a_failure_and_harms_no_later_read(garbage: bytes) -> None:
    with servers(1) as (server,), wire(server) as between:
        store = Memcached(between.address, PATIENT_MS)
        store.restore(KEY, VALUE)
        between.garbage = garbage.replace(b"%s", KEY.encode())
        with pytest.raises(ProfileStoreError):
            store.read(KEY)
        between.mend()
        assert store.read(KEY)
        store.close()


@pytest.mark.parametrize(
    "garbage",
    [
        b"VALUE %s 0 7\r\ngarbage\r\nEND\r\n",
        b"VALUE %s 0 -7\r\ngarbage\r\nEND\r\n",
        b"VALUE %s 99 0\r\n\r\nEND\r\n",
    ],
)
def test_garbage_that_has_the_form_of_a_value_harms_no_later_read(garbage: bytes) -> None:
    with servers(1) as (server,), wire(server) as between:
        store = Memcached(between.address, PATIENT_MS)
        store.restore(KEY, VALUE)
        between.garbage = garbage.replace(b"%s", KEY.encode())
        assert store.read(KEY) != VALUE
        between.mend()
        assert store.read(KEY) == VALUE
        store.close()


def test_a_slow_server_does_not_hold_a_read() -> None:
    with servers(1) as (server,), wire(server) as between:
        store = Memcached(between.address, 5)
        between.delay_s = 3600
        with pytest.raises(ProfileStoreError, match="timed out"):
            store.read(KEY)
        store.close()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:11211"])
def test_a_server_that_is_not_there_is_a_failure(address: str) -> None:
    store = Memcached(address, 100)
    with pytest.raises(ProfileStoreError):
        store.read(KEY)
    store.close()
