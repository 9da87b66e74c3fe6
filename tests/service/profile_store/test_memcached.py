"""Profiles on real memcached servers."""

from collections.abc import Iterator

import pytest

from chaos.memcached import Server, servers, wire
from service.bundle import preview_bundle
from service.profile_store import ProfileStoreError, ProfileStoreOpenError
from service.profile_store.codec import profile_key
from service.profile_store.memcached import Memcached
from service.profiles import Profile, Profiles
from tests.data.tiny_bundle import tiny_contents

BUNDLE = preview_bundle(tiny_contents())
PATIENT_MS = 10_000
KEYS = [profile_key("0123456789abcdef", user_id) for user_id in BUNDLE.user_ids]


@pytest.fixture
def three() -> Iterator[list[Server]]:
    with servers(3) as started:
        yield started


@pytest.fixture
def store(three: list[Server]) -> Iterator[Memcached]:
    opened = Memcached(",".join(each.address for each in three), PATIENT_MS)
    yield opened
    opened.close()


def profile(user_id: str = "user-4") -> Profile:
    found = Profiles(BUNDLE).get(user_id)
    assert found is not None
    return found


def how(store: Memcached, key: str) -> str:
    """How reading goes."""
    try:
        return "missing" if store.read(key) is None else "found"
    except ProfileStoreOpenError:
        return "open"
    except ProfileStoreError:
        return "failed"


def test_what_was_stored_is_read(store: Memcached) -> None:
    assert store.read(KEYS[4]) is None
    store.restore(KEYS[4], profile())
    read = store.read(KEYS[4])
    assert read is not None
    assert read.counts.tolist() == [1, 2, 3, 4, 5, 6]


def test_what_is_there_is_not_replaced(store: Memcached) -> None:
    store.restore(KEYS[4], profile("user-4"))
    store.restore(KEYS[4], profile("user-1"))
    read = store.read(KEYS[4])
    assert read is not None
    assert read.items.tolist() == profile("user-4").items.tolist()


def test_keys_are_spread_over_the_servers(store: Memcached, three: list[Server]) -> None:
    keys = [f"{KEYS[0]}{number}" for number in range(60)]
    for key in keys:
        store.restore(key, profile())
    assert all(store.read(key) for key in keys)
    counts = [each.keys() for each in three]
    assert sum(counts) == 60
    assert min(counts) > 5


def test_every_thread_may_read(store: Memcached) -> None:
    for key in KEYS:
        store.restore(key, profile())
    read = list(store.threads.map(store.read, KEYS * 50))
    assert len(read) == 300
    assert None not in read


def test_of_a_server_that_is_gone_only_its_own_keys_are(
    store: Memcached, three: list[Server]
) -> None:
    keys = [f"{KEYS[0]}{number}" for number in range(60)]
    for key in keys:
        store.restore(key, profile())
        assert store.read(key)
    lost = three[0].keys()
    three[0].kill()
    assert "failed" in [how(store, key) for key in keys]
    # After some more, the others are asked: they know nothing of these keys, and take them.
    while "failed" in (went := [how(store, key) for key in keys]):
        pass
    missing = [key for key, how_it_went in zip(keys, went, strict=True) if how_it_went == "missing"]
    assert len(missing) == lost
    for key in missing:
        store.restore(key, profile())
    assert all(store.read(key) for key in keys)


def test_a_store_that_fails_is_left_alone_and_then_tried_again(
    store: Memcached, three: list[Server]
) -> None:
    store.restore(KEYS[0], profile())
    for each in three:
        each.kill()
    reads = iter(lambda: how(store, KEYS[0]), "open")
    assert list(reads) == ["failed"] * 5
    for each in three:
        each.start()
    assert set(iter(lambda: how(store, KEYS[0]), "missing")) == {"open"}


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\r\n",
        b"ERROR\r\n",
        b"SERVER_ERROR \r\n",
        b"VALUE\r\n",
        b"VALUE x 0 1\r\n.\r\nEND\r\n",
        b"VALUE %s zero one\r\n",
        b"VALUE %s 0 7\r\ngarbage\r\nEND\r\n",
        b"VALUE %s 0 -7\r\ngarbage\r\nEND\r\n",
        b"VALUE %s 99 0\r\n\r\nEND\r\n",
    ],
)
def test_garbage_is_a_failure_and_harms_no_later_read(garbage: bytes) -> None:
    with servers(1) as (server,), wire(server) as between:
        store = Memcached(between.address, PATIENT_MS)
        store.restore(KEYS[4], profile())
        between.garbage = garbage.replace(b"%s", KEYS[4].encode())
        with pytest.raises(ProfileStoreError):
            store.read(KEYS[4])
        between.mend()
        assert store.read(KEYS[4])
        store.close()


def test_nobody_waits_for_a_slow_server() -> None:
    with servers(1) as (server,), wire(server) as between:
        store = Memcached(between.address, 5)
        between.delay_s = 3600
        with pytest.raises(ProfileStoreError, match="timed out"):
            store.read(KEYS[4])
        store.close()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:11211"])
def test_a_server_that_is_not_there_is_a_failure(address: str) -> None:
    store = Memcached(address, 100)
    with pytest.raises(ProfileStoreError):
        store.read(KEYS[4])
    store.close()
