"""The service while its memcached fails: every request is answered, and it recovers by itself."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from chaos.memcached import Server, Wire, servers, wire
from tests.data.shoppers import shopping
from tests.service.conftest import Served, start

Stored = tuple[list[Server], Served]


@pytest.fixture(scope="module")
def stored(bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """Three servers, and a service that has its profiles there."""
    with ExitStack() as running:
        three = running.enter_context(servers(3))
        log = tmp_path_factory.mktemp("stored") / "log"
        yield three, start(running, log, bundle_dir, "--memcached", addresses(three))


@pytest.fixture(scope="module")
def patient(
    stored: Stored, bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A service that waits 10 s for the same servers: on a busy machine 5 ms may be too short.

    It is for tests of single answers; the default is enough for tests of many.
    """
    with ExitStack() as running:
        log = tmp_path_factory.mktemp("patient") / "log"
        flags = ("--memcached", addresses(stored[0]), "--memcached-timeout-ms", "10000")
        yield start(running, log, bundle_dir, *flags).url


@pytest.fixture(scope="module")
def wired(bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, str]]:
    """A wire to the one server of a service."""
    with ExitStack() as running:
        (server,) = running.enter_context(servers(1))
        between = running.enter_context(wire(server))
        log = tmp_path_factory.mktemp("wired") / "log"
        yield between, start(running, log, bundle_dir, "--memcached", between.address).url


def addresses(several: list[Server]) -> str:
    """As the settings have them."""
    return ",".join(each.address for each in several)


def reads(url: str) -> Counter[str]:
    """How often reading a profile went how."""
    found = re.findall(
        r'^rtt2vec_profile_reads_total\{result="(\w+)"\} (\d+)',
        httpx.get(f"{url}/metrics").text,
        re.MULTILINE,
    )
    return Counter({result: int(count) for result, count in found})


def survive(
    url: str, fail: Callable[[], object], mend: Callable[[], object], seen: int = 20
) -> Counter[str]:
    """Fail and mend under load, and see that profiles come from the store afterwards.

    Args:
        url: of the service.
        fail: begins the fault.
        mend: ends it.
        seen: how many degraded answers in a row show that it has begun.

    Returns:
        how reading went while it lasted.
    """
    with shopping(url) as shoppers:
        shoppers.until(degraded=False)
        before = reads(url)
        fail()
        shoppers.until(degraded=True, in_a_row=seen)
        during = reads(url)
        mend()
        shoppers.forget()
        shoppers.until(degraded=False)
        assert reads(url)["found"] > during["found"]
    assert shoppers.failures == 0
    return during - before


def test_a_profile_from_the_store_is_the_bundles(patient: str, client: httpx.Client) -> None:
    body = {"user_id": "user-4", "basket": ["item-2"], "explain": True}
    answers = [httpx.post(f"{patient}/recommend", json=body).json() for _ in range(2)]
    assert [answer["degraded"] for answer in answers] == [True, False]  # it was not published
    own = client.post("/recommend", json=body).json()
    assert answers[1]["recommendations"] == own["recommendations"]
    assert answers[1]["source"] == "user+basket"
    assert httpx.get(f"{patient}/users/user-4/profile").json()["categories"]


def test_strangers_are_no_failure(patient: str) -> None:
    before = reads(patient)
    metrics = httpx.get(f"{patient}/metrics").text
    assert 'rtt2vec_circuit_open{store="memcached"} 0.0' in metrics
    body = {"user_id": "nobody", "basket": ["item-2"]}
    answer = httpx.post(f"{patient}/recommend", json=body)
    assert answer.json()["source"] == "basket"
    assert reads(patient) - before == Counter(unknown=1)


def test_all_servers_die_and_come_back_empty(stored: Stored) -> None:
    three, service = stored

    def die() -> None:
        for each in three:
            each.kill()

    def come_back() -> None:
        for each in three:
            each.start()

    missing = reads(service.url)["missing"]
    during = survive(service.url, die, come_back)
    assert min(during["failed"], during["open"]) > 0
    assert reads(service.url)["missing"] > missing
    assert "profile store failed" in service.log.read_text()


def test_one_server_of_three_is_gone(stored: Stored) -> None:
    three, service = stored
    with shopping(service.url) as shoppers:
        shoppers.until(degraded=False)
        holder = max(three, key=Server.keys)
        holder.kill()
        shoppers.until(degraded=True, in_a_row=1)
        during = reads(service.url)
        shoppers.forget()
        shoppers.until(degraded=False)  # the others have taken its profiles
        assert reads(service.url)["found"] > during["found"]
        holder.start()
        shoppers.until(degraded=False)
    assert shoppers.failures == 0


def test_a_server_restarts_empty(stored: Stored) -> None:
    three, service = stored

    def restart() -> None:
        for each in three:
            each.kill()
            each.start()

    survive(service.url, restart, lambda: None, seen=1)
    assert sum(each.keys() for each in three) >= 6  # more, if one was left out for a while


def test_the_server_is_full(serve: Callable[..., Served]) -> None:
    with servers(1) as (server,):
        server.kill()
        server.start("-m", "2", "-M")
        server.fill(1000)
        url = serve("--memcached", server.address).url
        with shopping(url) as shoppers:
            shoppers.until(degraded=True)
            assert reads(url)["missing"] > 0
            assert reads(url)["found"] == 0
            server.kill()
            server.start()
            shoppers.until(degraded=False)
            assert reads(url)["found"] > 0
    assert shoppers.failures == 0


def test_the_server_is_slow(wired: tuple[Wire, str]) -> None:
    between, url = wired

    def slow_down() -> None:
        between.delay_s = 0.5

    assert survive(url, slow_down, between.mend)["open"] > 0


def test_the_server_trickles(wired: tuple[Wire, str]) -> None:
    between, url = wired

    def trickle() -> None:
        between.trickles = True

    assert survive(url, trickle, between.mend)["open"] > 0


def test_the_server_answers_garbage(wired: tuple[Wire, str]) -> None:
    between, url = wired

    def confuse() -> None:
        between.garbage = b"VALUE \xff\r\nEND\r\n"

    assert survive(url, confuse, between.mend)["open"] > 0


def test_all_profiles_are_damaged_on_their_way(wired: tuple[Wire, str]) -> None:
    between, url = wired

    def damage() -> None:
        between.damages = True

    # They are asked for again and again: the store answers, and may do better next time.
    during = survive(url, damage, between.mend)
    assert during["damaged"] > 0
