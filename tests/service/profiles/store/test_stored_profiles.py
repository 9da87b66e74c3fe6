"""Profiles from a store, and the longest wait for one."""

import asyncio
from collections.abc import Iterator
from threading import Event, get_ident

import numpy as np
import pytest
from pymemcache import Client

from chaos.memcached import Server, servers
from service.bundle.bundle import preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile, ProfileSource, Since, all_count
from service.profiles.store.codec import ProfileCodec
from service.profiles.store.errors import ProfileStoreError
from service.profiles.store.memcached import Memcached, delete_everywhere
from service.profiles.store.stored_profiles import StoredProfiles
from tests.data.tiny_bundle import tiny_contents

BUNDLE = preview_bundle(tiny_contents())
OWN, CODEC = BundleProfiles(BUNDLE), ProfileCodec(BUNDLE)
PATIENT_MS, IMPATIENT_MS = 10_000, 5


class Stuck:
    """A source whose answer does not come, before it is free."""

    def __init__(self, beyond: ProfileSource) -> None:
        self.free = Event()
        self._beyond = beyond

    def get(self, user_id: str) -> Profile | None:
        self.free.wait()
        return self._beyond.get(user_id)


class Noted:
    """A source that notes in which thread it was asked."""

    def __init__(self, beyond: ProfileSource) -> None:
        self.threads: list[int] = []
        self._beyond = beyond

    def get(self, user_id: str) -> Profile | None:
        self.threads.append(get_ident())
        return self._beyond.get(user_id)


class Enormous:
    """A profile of more than 1 MB."""

    def get(self, user_id: str) -> Profile | None:
        own = OWN.get(user_id)
        numbers = np.random.default_rng(1).integers(1 << 30, size=300_000, dtype=np.int32)
        return own and own._replace(past_items=numbers, past_indptr=np.array([0, len(numbers)]))


class Forgets:
    """A source that forgets everybody after the first answer."""

    def __init__(self, beyond: ProfileSource) -> None:
        self._beyond: ProfileSource | None = beyond

    def get(self, user_id: str) -> Profile | None:
        beyond, self._beyond = self._beyond, None
        return None if beyond is None else beyond.get(user_id)


class Shop:
    """Profiles on a store, and how reading them went."""

    def __init__(
        self,
        address: str,
        local: ProfileSource = OWN,
        timeout_ms: int = PATIENT_MS,
        since: Since = all_count,
    ) -> None:
        self.results: list[str] = []
        self.store = Memcached(address, timeout_ms)
        self.stored = StoredProfiles(self.store, local, CODEC, self.results.append, since)

    async def read(self, *user_ids: str) -> list[Profile | None]:
        """One after another."""
        return [await self.stored.in_time(self.stored, user_id) for user_id in user_ids]

    async def read_at_once(
        self, times: int, source: ProfileSource | None = None
    ) -> list[Profile | None]:
        """One and the same, by many."""
        source = source or self.stored
        return await asyncio.gather(*(self.stored.in_time(source, "user-4") for _ in range(times)))

    async def read_until_asked(self) -> str:
        """While the store is left alone; returns how the first read after it went."""
        while True:
            await self.read("user-4")
            if self.results[-1] != "open":
                return self.results[-1]


@pytest.fixture
def server() -> Iterator[Server]:
    with servers(1) as (started,):
        yield started


def test_what_the_store_has_lost_it_is_given_again(server: Server) -> None:
    shop = Shop(server.address)
    read = asyncio.run(shop.read("user-4", "user-4", "nobody", "nobody"))
    shop.store.close()
    assert shop.results == ["missing", "found", "unknown", "unknown"]
    assert [profile and profile.fallback for profile in read] == [True, False, None, None]


def test_what_is_damaged_there_is_replaced_and_opens_no_circuit(server: Server) -> None:
    client = Client(server.address, default_noreply=False)
    for user_id in BUNDLE.user_ids:
        client.set(CODEC.key(user_id), b"no profile")
    client.close()
    shop = Shop(server.address)
    read = asyncio.run(shop.read(*BUNDLE.user_ids, *BUNDLE.user_ids))
    shop.store.close()
    assert shop.results == ["damaged"] * 6 + ["found"] * 6
    assert [profile and profile.fallback for profile in read] == [True] * 6 + [False] * 6


def test_a_profile_of_a_user_who_was_forgotten_is_not_used(server: Server) -> None:
    moments: dict[str, int] = {}
    shop = Shop(server.address, BundleProfiles(BUNDLE, moments.get), since=moments.get)
    assert asyncio.run(shop.read("user-4", "user-4"))[1] is not None
    moments["user-4"] = 1 << 40
    assert asyncio.run(shop.read("user-4")) == [None]
    shop.store.close()
    assert shop.results == ["missing", "found", "found"]


def test_a_profile_is_not_stored_again_for_a_user_who_is_forgotten_meanwhile(
    server: Server,
) -> None:
    shop = Shop(server.address, Forgets(OWN))
    asyncio.run(shop.read("user-4"))
    assert shop.store.read(CODEC.key("user-4")) is None
    shop.store.close()


def test_values_are_deleted_from_every_server() -> None:
    with servers(3) as three:
        addresses = [each.address for each in three]
        for address in addresses:
            store = Memcached(address, PATIENT_MS)
            for key in ("a", "b", "c"):
                store.restore(key, b"value")
            store.close()
        delete_everywhere(",".join(addresses), ["a", "c", "none"])
        assert [each.keys() for each in three] == [1, 1, 1]
        three[1].kill()
        with pytest.raises(ProfileStoreError, match=f"^{addresses[1]}: ConnectionRefused"):
            delete_everywhere(",".join(addresses), ["b"])


def test_where_it_fails_the_bundles_own_is_given() -> None:
    shop = Shop("127.0.0.1:1")
    read = asyncio.run(shop.read(*["user-4"] * 7))
    shop.store.close()
    assert shop.results == ["failed"] * 5 + ["open"] * 2
    assert [profile and profile.items.tolist() for profile in read] == [[1, 3, 5, 7, 9, 11]] * 7


def test_a_store_that_fails_is_left_alone_and_then_tried_by_one(server: Server) -> None:
    shop = Shop(server.address)

    async def die_and_come_back() -> None:
        await shop.read("user-4")
        server.kill()
        await shop.read(*["user-4"] * 6)
        assert shop.results == ["missing"] + ["failed"] * 5 + ["open"]
        server.start()
        while set(shop.results[-50:]) != {"open", "missing"}:
            await shop.read_at_once(50)
        assert shop.results[-50:].count("missing") == 1
        await shop.read_at_once(50)

    asyncio.run(die_and_come_back())
    shop.store.close()
    assert shop.results[-50:] == ["found"] * 50


def test_it_is_read_beside_the_event_loop_if_at_all(server: Server) -> None:
    shop = Shop(server.address)
    source = Noted(shop.stored)

    async def read() -> None:
        await shop.read_at_once(1, source)
        server.kill()
        await shop.read(*["user-4"] * 5)
        await shop.read_at_once(1, source)

    asyncio.run(read())
    shop.store.close()
    assert shop.results[-1] == "open"
    assert [thread == get_ident() for thread in source.threads] == [False, True]


def test_reads_end_in_time_even_if_all_threads_are_stuck(server: Server) -> None:
    shop = Shop(server.address, timeout_ms=IMPATIENT_MS)
    stuck = Stuck(shop.stored)

    async def read() -> None:
        read = await shop.read_at_once(50, stuck)
        assert shop.results == ["late"] * 50
        assert all(profile and profile.fallback for profile in read)
        # The circuit is open: there is no wait.
        await shop.read("user-4")
        assert shop.results[-1] == "open"
        stuck.free.set()
        while await shop.read_until_asked() != "found":
            pass

    asyncio.run(read())
    shop.store.close()


def test_what_is_too_large_for_the_store_it_is_given_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(server.address, Enormous())
    asyncio.run(shop.read("user-4", "user-4", "user-4"))
    shop.store.close()
    assert shop.results == ["missing"] * 3
    assert [record.message for record in caplog.records] == [
        "profile not restored: MemcacheServerError"
    ]
