"""Alerts that fire, and stop, on what real workers expose."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from tests.data.daily_bundles import publish
from tests.data.queries import evaluate, firing
from tests.service.conftest import Served, listening, start

SCRAPE = 'a{x="1"} 3\na{x="2"} 1\nb{x="2"} 1\nc 40\n'


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("a > 1", {(("x", "1"),): 3}),
        ("sum by (x) (a) == 1", {(("x", "2"),): 1}),
        ("count(a > 0) > 1", {(): 2}),
        ("count(a > 1) > 1", {}),
        ("min(a) < 2", {(): 1}),
        ("max(a and b == 1)", {(): 1}),
        ("b < a", {}),
        ("time() - c > 59", {(): 60}),
    ],
)
def test_queries_are_answered_as_prometheus_would(query: str, answer: dict[object, float]) -> None:
    found = evaluate(query, SCRAPE, now=100)
    assert {tuple(sorted(labels)): value for labels, value in found.items()} == answer


def test_nothing_fires_while_all_is_well(bundle_dir: Path) -> None:
    app = create_app(Settings(bundle=bundle_dir))
    with listening(app) as client:
        while client.get("/health/ready").status_code != 200:
            pass
        assert firing(client.get("/metrics").text) == set()


def test_a_service_without_a_bundle_is_not_ready(tmp_path: Path) -> None:
    with listening(create_app(Settings(bundle=tmp_path))) as client:
        found = firing(client.get("/metrics").text)
    assert found == {"Rtt2vecNotReady", "Rtt2vecWorkersMissing"}


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that does nothing while the block runs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_workers_that_answer_from_different_bundles(tmp_path: Path) -> None:
    publish(tmp_path / "bundles", 1)
    with ExitStack() as running:
        served = start(running, tmp_path / "log", tmp_path / "bundles", "--workers", "2")

        def scrape() -> str:
            return httpx.get(f"{served.url}/metrics").raise_for_status().text

        assert firing(scrape()) == set()
        with stopped(served.workers[0]):
            publish(tmp_path / "bundles", 2)
            served.await_workers(3)
            assert firing(scrape()) == {"Rtt2vecBundlesDiffer"}
        served.await_workers(4)
        assert firing(scrape()) == set()


def test_a_worker_that_cannot_start(serve: Callable[..., Served], tmp_path: Path) -> None:
    (keys := tmp_path / "keys.toml").write_text("keys = []")
    served = serve("--workers", "2", "--api-keys", str(keys))
    served.await_workers(2)  # both have read the file
    keys.unlink()
    os.kill(served.workers[0], signal.SIGKILL)
    served.await_logged("the next start of a worker is in 4 s", 1)  # none is being tried by then
    scrape = httpx.get(f"{served.url}/metrics").raise_for_status().text
    assert firing(scrape) == {"Rtt2vecWorkersMissing"}
