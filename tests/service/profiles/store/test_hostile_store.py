"""A store whose values have a right checksum and wrong contents: the bundle's profile answers."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import NamedTuple

import httpx
import numpy as np
import pytest
from pymemcache import Client

from chaos.memcached import Server, servers
from service.bundle.bundle import Bundle, load_bundle, write_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.store.codec import ProfileCodec
from tests.data.forged_profiles import HEAD, forged, signed, taken_apart
from tests.data.ranked_shop import ranked_contents
from tests.service.conftest import Served, start

USER = "user-07"
BODY = {"user_id": USER, "basket": ["item-01"], "k": 10, "explain": True}


class Shop(NamedTuple):
    """A service, its store and its bundle."""

    served: Served
    server: Server
    bundle: Bundle


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with ExitStack() as running:
        bundle = load_bundle(write_bundle(tmp_path_factory.mktemp("bundles"), ranked_contents()))
        (server,) = running.enter_context(servers(1))
        flags = ("--memcached", server.address, "--memcached-timeout-ms", "10000")
        log = tmp_path_factory.mktemp("hostile") / "log"
        yield Shop(start(running, log, bundle.path, *flags), server, bundle)


def forgeries(bundle: Bundle) -> dict[str, bytes]:
    """Values that a bundle's owner could have stored, by what is wrong with them."""
    codec, own = ProfileCodec(bundle), BundleProfiles(bundle).get(USER)
    assert own is not None
    key, manifest = codec.key(USER), bundle.manifest
    head, plain = taken_apart(codec.encode(own, key))
    _, _, d, purchases, baskets, lines = HEAD.unpack(head)

    def changed(name: str, place: int, value: float) -> bytes:
        array = getattr(own, name).copy()
        array[place] = value
        return codec.encode(own._replace(**{name: array}), key)

    def declared(*sizes: int) -> bytes:
        return signed(HEAD.pack(b"RTTP", 2, *sizes), b"\x00" * 100, key, manifest)

    offsets = np.array([0, 2**62, -(2**62)], np.int64).tobytes()
    at = 8 * (purchases + baskets)
    return {
        "a past item far outside": changed("past_items", int(own.past_indptr[0]), 2_000_000_000),
        "a negative past item": changed("past_items", int(own.past_indptr[0]), -1_000_000),
        "a history item far outside": changed("items", -1, 1_000_000),
        "a vector with NaN": changed("user_h", 0, np.nan),
        "a vector of huge numbers": changed("user_h", 0, 3e38),
        "a longer vector": codec.encode(own._replace(user_h=np.tile(own.user_h, 9)), key),
        "a shorter vector": codec.encode(own._replace(user_h=own.user_h[:1]), key),
        "baskets in no order": changed("past_begun", 0, 253_000_000_000),
        "offsets that wrap around": forged(
            head, plain[:at] + offsets + plain[at + len(offsets) :], key, manifest
        ),
        "a declared size of 50 GB": declared(d, 0, 0, 2**32 - 1),
        "a declared size of 140 GB": declared(2**16 - 1, 2**32 - 1, 2**32 - 1, 2**32 - 1),
        "no purchases": declared(d, 0, 0, 0),
        "fewer bytes than declared": forged(head, plain[:-8], key, manifest),
        "more bytes than declared": forged(head, plain + bytes(1 << 20), key, manifest),
        "another bundle's secret": forged(head, plain, key, manifest.model_copy(
            update={"as_of": "2017-01-01"}
        )),
        "another user's": codec.encode(own, codec.key("user-08")),
        "an earlier version": HEAD.pack(b"RTTP", 1, d, purchases, baskets, lines) + plain,
        "no profile": b"\x80\x04\x95",
        "nothing": b"",
    }  # fmt: skip


def test_no_forged_value_harms_the_service_or_changes_an_answer(shop: Shop) -> None:
    key = ProfileCodec(shop.bundle).key(USER)
    values = forgeries(shop.bundle)
    with closing(Client(shop.server.address, default_noreply=False)) as client, (
        httpx.Client(base_url=shop.served.url)
    ) as asking:  # fmt: skip
        asking.post("/recommend", json=BODY)  # stores the user's profile
        own = asking.post("/recommend", json=BODY).json()
        assert not own["degraded"]
        for wrong, value in values.items():
            client.set(key, value)
            answers = [asking.post("/recommend", json=BODY) for _ in range(2)]
            assert [each.status_code for each in answers] == [200, 200], wrong
            assert [each.json()["degraded"] for each in answers] == [True, False], wrong
            for each in answers:
                assert each.json()["recommendations"] == own["recommendations"], wrong
            client.set(key, value)
            assert asking.get(f"/users/{USER}/profile").status_code == 200, wrong
    reads = httpx.get(f"{shop.served.url}/metrics").text
    assert f'rtt2vec_profile_reads_total{{result="damaged"}} {2 * len(values)}.0' in reads
    log = shop.served.log.read_text()
    assert log.count("profile damaged") == 2 * len(values)
    assert USER not in log
    assert key.partition(":")[2] not in log
