"""The service while its memcached fails: every request is answered, and it recovers by itself."""

import re
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
        addresses = ",".join(each.address for each in three)
        log = tmp_path_factory.mktemp("stored") / "log"
        # Dead servers are known at once; slow ones have tests of their own.
        flags = ("--memcached", addresses, "--memcached-timeout-ms", "10000")
        yield three, start(running, log, bundle_dir, *flags)


@pytest.fixture(scope="module")
def wired(bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, str]]:
    """A wire to the one server of a service."""
    with ExitStack() as running:
        (server,) = running.enter_context(servers(1))
        between = running.enter_context(wire(server))
        log = tmp_path_factory.mktemp("wired") / "log"
        flags = ("--memcached", between.address, "--memcached-timeout-ms", "20")
        yield between, start(running, log, bundle_dir, *flags).url


def reads(url: str) -> dict[str, float]:
    """How often reading a profile went how."""
    found = re.findall(
        r'^rtt2vec_profile_reads_total\{result="(\w+)"\} (.+)$',
        httpx.get(f"{url}/metrics").text,
        re.MULTILINE,
    )
    return {result: float(count) for result, count in found}


def survive(url: str, fail: Callable[[], object], mend: Callable[[], object]) -> None:
    """Fail and mend under load; returns once answers are as they were before."""
    with shopping(url) as shoppers:
        shoppers.until(degraded=False)
        fail()
        shoppers.until(degraded=True)
        mend()
        shoppers.until(degraded=False)
    assert shoppers.requests > 40
    assert shoppers.failures == 0


def test_a_profile_from_the_store_is_the_bundles(stored: Stored, client: httpx.Client) -> None:
    url = stored[1].url
    body = {"user_id": "user-4", "basket": ["item-2"], "explain": True}
    answers = [httpx.post(f"{url}/recommend", json=body).json() for _ in range(2)]
    assert [answer["degraded"] for answer in answers] == [True, False]  # it was not published
    own = client.post("/recommend", json=body).json()
    assert answers[1]["recommendations"] == own["recommendations"]
    assert answers[1]["source"] == "user+basket"
    assert httpx.get(f"{url}/users/user-4/profile").json()["categories"]


def test_strangers_are_no_failure(stored: Stored) -> None:
    url = stored[1].url
    before = reads(url)
    answer = httpx.post(f"{url}/recommend", json={"user_id": "nobody", "basket": ["item-2"]})
    assert answer.json()["source"] == "basket"
    after = reads(url)
    assert after["unknown"] == before.get("unknown", 0) + 1
    assert after.get("failed") == before.get("failed")


def test_all_servers_die_and_come_back_empty(stored: Stored) -> None:
    three, service = stored

    def die() -> None:
        for each in three:
            each.kill()

    def come_back() -> None:
        for each in three:
            each.start()

    survive(service.url, die, come_back)
    counts = reads(service.url)
    assert min(counts["failed"], counts["open"], counts["missing"]) > 0
    assert "profile store failed" in service.log.read_text()


def test_one_server_of_three_is_gone(stored: Stored) -> None:
    three, service = stored
    with shopping(service.url) as shoppers:
        shoppers.until(degraded=False)
        holder = max(three, key=Server.keys)
        holder.kill()
        shoppers.until(degraded=True, in_a_row=1)
        shoppers.until(degraded=False)  # the others have taken its profiles
        holder.start()
        shoppers.until(degraded=False)
    assert shoppers.failures == 0


def test_a_server_restarts_empty(stored: Stored) -> None:
    three, service = stored

    with shopping(service.url) as shoppers:
        shoppers.until(degraded=False)
        for each in three:
            each.kill()
            each.start()
        shoppers.until(degraded=True, in_a_row=1)
        shoppers.until(degraded=False)
    assert shoppers.failures == 0
    assert sum(each.keys() for each in three) == 6


def test_the_server_is_full(serve: Callable[..., Served]) -> None:
    with servers(1) as (server,):
        server.kill()
        server.start("-m", "2", "-M")
        server.fill(1000)
        service = serve("--memcached", server.address)
        with shopping(service.url) as shoppers:
            shoppers.until(degraded=True)
            server.kill()
            server.start()
            shoppers.until(degraded=False)
    assert shoppers.failures == 0


def test_the_server_is_slow(wired: tuple[Wire, str]) -> None:
    between, url = wired

    def slow_down() -> None:
        between.delay_s = 0.5

    survive(url, slow_down, between.mend)
    assert reads(url)["open"] > 0


def test_the_server_answers_garbage(wired: tuple[Wire, str]) -> None:
    between, url = wired

    def confuse() -> None:
        between.garbage = b"VALUE \xff\r\nEND\r\n"

    survive(url, confuse, between.mend)
