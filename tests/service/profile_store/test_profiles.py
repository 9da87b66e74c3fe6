"""Profiles that a server keeps, and how long anybody waits for one."""

import asyncio
from collections.abc import Iterator
from threading import Event

import pytest

from chaos.memcached import servers
from service.bundle import preview_bundle
from service.profile_store.memcached import Memcached
from service.profile_store.profiles import StoredProfiles
from service.profiles import Profile, Profiles
from tests.data.tiny_bundle import tiny_contents

BUNDLE = preview_bundle(tiny_contents())
PATIENT_MS, IMPATIENT_MS = 10_000, 1


class Stuck:
    """A source whose answer does not come."""

    def __init__(self) -> None:
        self.free = Event()

    def get(self, _user_id: str) -> Profile | None:
        self.free.wait()
        return None


@pytest.fixture
def address() -> Iterator[str]:
    with servers(1) as (server,):
        yield server.address


def stored(store: Memcached, results: list[str]) -> StoredProfiles:
    return StoredProfiles(store, Profiles(BUNDLE), BUNDLE.bundle_id, results.append)


def test_what_the_store_has_lost_it_is_given_again(address: str) -> None:
    results: list[str] = []
    store = Memcached(address, PATIENT_MS)
    profiles = stored(store, results)
    read = [profiles.get(user_id) for user_id in ("user-4", "user-4", "nobody", "nobody")]
    store.close()
    assert results == ["missing", "found", "unknown", "unknown"]
    assert [profile and profile.fallback for profile in read] == [True, False, None, None]


def test_where_it_fails_the_bundles_own_is_given() -> None:
    results: list[str] = []
    store = Memcached("127.0.0.1:1", PATIENT_MS)
    profiles = stored(store, results)
    read = [profiles.get("user-4") for _ in range(7)]
    store.close()
    assert results == ["failed"] * 5 + ["open"] * 2
    assert [profile and profile.items.tolist() for profile in read] == [[1, 3, 5, 7, 9, 11]] * 7


def test_it_is_read_beside_the_event_loop(address: str) -> None:
    results: list[str] = []
    store = Memcached(address, PATIENT_MS)
    profiles = stored(store, results)
    profiles.get("user-4")
    profiles.get("user-4")  # on the same connection, so that what was restored is there
    profile = asyncio.run(profiles.in_time(profiles, "user-4"))
    store.close()
    assert profile is not None
    assert not profile.fallback


def test_nobody_waits_for_ever_even_if_all_threads_do() -> None:
    results: list[str] = []
    store = Memcached("127.0.0.1:1", IMPATIENT_MS)
    profiles, stuck = stored(store, results), Stuck()

    async def read() -> list[Profile | None]:
        return await asyncio.gather(*(profiles.in_time(stuck, "user-4") for _ in range(50)))

    read_at_last = asyncio.run(read())
    stuck.free.set()
    store.close()
    assert results == ["late"] * 50
    assert all(profile and profile.fallback for profile in read_at_last)
