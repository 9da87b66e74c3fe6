"""`rtt2vec-build publish-profiles`, to real memcached servers."""

from pathlib import Path

import numpy as np
import pytest
from pymemcache import Client

from chaos.memcached import Server, servers, wire
from service.bundle.bundle import load_bundle, write_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.store.codec import ProfileCodec
from service.profiles.store.memcached import Memcached
from service.support.forgotten_users import ForgottenUsers
from tests.data.ranked_shop import ranked_contents
from tests.data.tiny_bundle import N_USERS, tiny_contents
from tests.index_builder.conftest import Run


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles"), tiny_contents())


def publish(run: Run, bundle: Path, servers: str, status: int = 0) -> str:
    """Publishes the bundle's profiles to these servers; returns what the command says."""
    options = ("--bundle", bundle, "--memcached", servers)
    return run("publish-profiles", *options, status=status).err


def test_published_profiles_are_read_by_the_service(
    monkeypatch: pytest.MonkeyPatch, run: Run, bundle: Path
) -> None:
    loaded = load_bundle(bundle)
    with servers(2) as two:
        addresses = ",".join(each.address for each in two)
        monkeypatch.setenv("RTT2VEC_MEMCACHED", addresses)
        assert "6 profiles" in run("publish-profiles", "--bundle", bundle).err
        assert sum(each.keys() for each in two) == N_USERS
        store, codec = Memcached(addresses, 10_000), ProfileCodec(loaded)
        for user_id in loaded.user_ids:
            key = codec.key(user_id)
            own, value = BundleProfiles(loaded).get(user_id), store.read(key)
            assert own is not None
            assert value is not None
            read = codec.decode(value, key)
            np.testing.assert_array_equal(read.user_h, own.user_h)
            assert read.items.tolist() == own.items.tolist()
        store.close()


def test_profiles_of_forgotten_users_are_not_published(run: Run, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, tiny_contents())
    ForgottenUsers(tmp_path).add("user-4", 1 << 33)
    with servers(1) as (server,):
        assert "5 profiles" in publish(run, bundle, server.address)
        client = Client(server.address)
        assert client.get(ProfileCodec(load_bundle(bundle)).key("user-4")) is None
        client.close()


def test_servers_that_keep_too_little_are_named(run: Run, tmp_path: Path) -> None:
    # 20,000 users of 200 bytes each; the server keeps 2 MB, and drops what is oldest.
    users, items = 20_000, 20
    contents = tiny_contents(
        user_ids=[f"user-{user}" for user in range(users)],
        user_h=np.zeros((users, 4), np.float32),
        history_indptr=np.arange(0, items * users + 1, items, dtype=np.int64),
        history_item=np.tile(np.arange(items, dtype=np.int32), users),
        history_count=np.ones(items * users, np.int32),
        history_recency=np.random.default_rng(1).random(items * users, np.float32),
        history_last=np.full(items * users, 1_500_000_000, np.int64),
    )
    bundle = write_bundle(tmp_path, contents)
    server = Server()
    server.start("-m", "2")
    try:
        message = publish(run, bundle, server.address, status=1)
    finally:
        server.kill()
    assert "expected 20,000 profiles" in message
    assert "more memory" in message


def test_profiles_too_large_for_the_servers_are_left_out_and_counted(
    run: Run, tmp_path: Path
) -> None:
    # Profiles of this shop take 1.8 to 2.8 KB.
    bundle = write_bundle(tmp_path, ranked_contents())
    server = Server()
    server.start("-I", "2560", "-o", "slab_chunk_max=512")
    try:
        message = publish(run, bundle, server.address)
        kept = server.keys()
    finally:
        server.kill()
    assert f"{kept} profiles" in message
    assert f"{24 - kept} too large" in message
    assert 0 < kept < 24


@pytest.mark.parametrize(
    ("server", "found"),
    [
        ("127.0.0.1:1", "127.0.0.1:1: ConnectionRefusedError: [Errno 111] Connection refused"),
        ("..:11211", "..:11211: UnicodeError: "),
    ],
)
def test_a_server_that_is_not_there_is_named(
    run: Run,
    bundle: Path,
    server: str,
    found: str,
) -> None:
    assert found in publish(run, bundle, server, status=1)


@pytest.mark.parametrize("garbage", [b"VALUE\r\n", b"VALUE x zero one\r\n", b"\xff\r\n"])
def test_a_server_that_is_none_is_named(
    run: Run,
    bundle: Path,
    garbage: bytes,
) -> None:
    with servers(1) as (server,), wire(server) as between:
        between.garbage = garbage
        assert between.address in publish(run, bundle, between.address, status=1)


@pytest.mark.parametrize("servers", ["foo:bar", "127.0.0.1", "", "a:1,,b:1", "a:1, b:1"])
def test_malformed_servers_are_refused(
    run: Run,
    bundle: Path,
    servers: str,
) -> None:
    message = " ".join(publish(run, bundle, servers, status=1).split())
    assert f"Expected servers as host:port, several between commas, found '{servers}'" in message


def test_without_servers_the_variable_is_named(run: Run, bundle: Path) -> None:
    said = run("publish-profiles", "--bundle", bundle, status=2).err
    assert "RTT2VEC_MEMCACHED" in said
