"""A forgotten user is a stranger from the next request on, in real processes and places."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from chaos.memcached import Server, servers
from service.bundle.bundle import load_bundle, write_bundle
from service.profiles.store.codec import ProfileCodec
from service.profiles.store.memcached import Memcached
from service.support.forgotten_users import ForgottenUsers
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import ADMIN, COMMAND, Served, start

USER, OTHER = "user-4", "user-0"
BODY: dict[str, Any] = {"basket": ["item-2"], "k": 5}
ASKED = 20  # connections, each of which any worker may take


class Shop(NamedTuple):
    """Two workers, their bundles, a directory of events and a memcached."""

    directory: Path
    server: Server
    served: Served

    @property
    def flags(self) -> list[str]:
        """Of all commands."""
        where = ("--bundle", self.directory / "bundles", "--events", self.directory / "events")
        return [*map(str, where), "--memcached", self.server.address]

    def keys(self, user_id: str) -> set[str]:
        """Those of a user's profiles, of all bundles."""
        paths = (self.directory / "bundles").glob("*/manifest.json")
        return {ProfileCodec(load_bundle(path.parent)).key(user_id) for path in paths}

    def stored(self, user_id: str) -> int:
        """How many of a user's profiles memcached has."""
        store = Memcached(self.server.address, 10_000)
        found = sum(store.read(key) is not None for key in self.keys(user_id))
        store.close()
        return found

    def sources(self, user_id: str) -> set[str]:
        """What the answers of all workers are based on."""
        asked = (
            httpx.post(f"{self.served.url}/recommend", json={"user_id": user_id, **BODY})
            for _ in range(ASKED)
        )
        return {answer.raise_for_status().json()["source"] for answer in asked}

    def buy(self, user_id: str, number: int, at: datetime) -> dict[str, int]:
        """Sends a purchase."""
        ids = {"event_id": f"e{number}", "basket_id": f"b{number}", "item_id": "item-3"}
        event = {"user_id": user_id, "timestamp": at.isoformat(), **ids}
        sent = httpx.post(f"{self.served.url}/events", json={"events": [event]})
        taken: dict[str, int] = sent.raise_for_status().json()
        return taken


def publish(directory: Path, half_life_days: int) -> None:
    """Make another bundle current."""
    build = {"recency_half_life_days": half_life_days}
    write_bundle(directory / "bundles", tiny_contents(build=build))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    publish(tmp_path, 1)
    with ExitStack() as running:
        (server,) = running.enter_context(servers(1))
        (tmp_path / "events").mkdir()
        patient = ("--memcached-timeout-ms", "10000")
        flags = ("--events", str(tmp_path / "events"), "--memcached", server.address, *patient)
        bundles = tmp_path / "bundles"
        served = start(running, tmp_path / "log", bundles, "--workers", "2", *flags)
        shop = Shop(tmp_path, server, served)
        for user_id in (USER, OTHER):
            assert shop.sources(user_id) == {"user+basket"}
            assert shop.stored(user_id) == 1
            shop.buy(user_id, ord(user_id[-1]), datetime.now(UTC) - timedelta(minutes=1))
            assert shop.sources(user_id) == {"user+basket"}
        yield shop


def forgotten_by_route(shop: Shop) -> str:
    answer = httpx.delete(f"{shop.served.url}/users/{USER}", headers=ADMIN)
    moment: str = answer.raise_for_status().json()["counts_from"]
    return moment


def forgotten_by_command(shop: Shop) -> str:
    command = [str(COMMAND), "forget", USER, *shop.flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"deleted in events ({shop.directory / 'events'}) and memcached" in done.stdout
    (moment,) = re.findall(r"Purchases from (\S+) on count again", done.stdout)
    return str(moment)


def naming(directory: Path) -> list[str]:
    """The files that the user's id can be found in."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path.name for path in files if USER.encode() in path.read_bytes()]


@pytest.mark.parametrize("forget", [forgotten_by_route, forgotten_by_command])
def test_a_forgotten_user_is_a_stranger_at_once_and_everywhere(shop: Shop, forget: Any) -> None:
    moment = datetime.fromisoformat(forget(shop))
    assert moment <= datetime.now(UTC)
    assert shop.sources(USER) == {"basket"}
    assert shop.sources(OTHER) == {"user+basket"}
    assert httpx.get(f"{shop.served.url}/users/{USER}/profile").status_code == 404
    assert naming(shop.directory / "events") == []
    assert shop.stored(USER) == 0
    # What was sent before does not come back, and what is bought from now on counts.
    again = shop.buy(USER, ord(USER[-1]), moment - timedelta(seconds=1))
    assert (again["new"], again["known"]) == (0, 1)
    assert shop.sources(USER) == {"basket"}
    assert shop.buy(USER, 1, datetime.now(UTC))["new"] == 1
    assert shop.sources(USER) == {"user+basket"}
    profile = httpx.get(f"{shop.served.url}/users/{USER}/profile").json()
    assert profile["categories"] == [{"category": "garden", "count": 1}]
    log = shop.served.log.read_text()
    assert USER not in log


def test_it_stays_so_with_other_bundles_and_after_restarts(shop: Shop) -> None:
    forgotten_by_route(shop)
    publish(shop.directory, 2)
    shop.served.await_logged("ready", 4)
    assert shop.sources(USER) == {"basket"}
    shop.served.process.terminate()
    shop.served.process.wait()
    for flags in ((), ("--bundle", str(shop.directory / "bundles" / "current"))):
        with ExitStack() as running:
            log = shop.directory / "log-2"
            served = start(running, log, shop.directory / "bundles", *flags)
            again = shop._replace(served=served)
            assert again.sources(USER) == {"basket"}
            assert again.sources(OTHER) == {"user+basket"}
            assert USER not in served.line


def test_the_start_finishes_what_a_kill_interrupted(shop: Shop) -> None:
    shop.served.process.terminate()
    shop.served.process.wait()
    assert naming(shop.directory / "events")
    assert shop.stored(USER)
    ForgottenUsers(shop.directory / "bundles").add(USER, 1 << 33)
    with ExitStack() as running:
        log = shop.directory / "log-2"
        served = start(running, log, shop.directory / "bundles", *shop.flags[2:])
        served.await_logged("forgotten users purged", 1)
        assert shop._replace(served=served).sources(USER) == {"basket"}
    assert naming(shop.directory / "events") == []
    assert shop.stored(USER) == 0


def test_a_memcached_that_does_not_answer_is_told(shop: Shop) -> None:
    shop.server.kill()
    answer = httpx.delete(f"{shop.served.url}/users/{USER}", headers=ADMIN)
    assert answer.status_code == 503
    assert "a stranger from now on, but not all is deleted yet" in answer.json()["detail"]
    assert shop.sources(USER) == {"basket"}
    command = [str(COMMAND), "forget", USER, *shop.flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ConnectionRefusedError" in done.stderr
    shop.server.start()
    forgotten_by_route(shop)


def test_the_example_is_not_one_of_a_forgotten_user(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    ForgottenUsers(tmp_path / "bundles").add(OTHER, 1 << 33)  # the first of the bundle
    with ExitStack() as running:
        assert '"user_id":"user-1"' in start(running, tmp_path / "log", tmp_path / "bundles").line


def test_the_service_does_not_start_with_a_broken_list(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    (tmp_path / "bundles" / "forgotten.txt").write_text("user-0\n")
    command = [str(COMMAND), "--bundle", str(tmp_path / "bundles"), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "forgotten.txt: expected a list of forgotten users" in done.stderr


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    flags = ("--bundle", str(tmp_path / "none"))
    command = [str(COMMAND), "forget", USER, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The user is not forgotten: " in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_without_a_user_the_command_says_what_it_expects(arguments: list[str]) -> None:
    done = subprocess.run([COMMAND, "forget", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert "forget USER" in done.stderr
