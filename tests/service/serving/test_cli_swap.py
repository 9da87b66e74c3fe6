"""Several workers, as real processes, follow what is current."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from loadtest.open_loop import run
from tests.data.daily_bundles import publish, publish_damaged, publish_foreign
from tests.service.conftest import ADMIN, Served, start


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Two workers, whose bundle is that of day 1."""
    publish(tmp_path / "bundles", 1)
    with ExitStack() as running:
        yield start(running, tmp_path / "log", tmp_path / "bundles", "--workers", "2")


def answering(served: Served) -> set[str]:
    """The bundles that answer on twenty connections, each of which any worker may take."""
    asked = (httpx.post(f"{served.url}/recommend", json={}) for _ in range(20))
    return {answer.raise_for_status().json()["bundle_id"] for answer in asked}


def test_workers_follow_the_link_and_a_rollback(served: Served, tmp_path: Path) -> None:
    (old,) = answering(served)
    new = publish(tmp_path / "bundles", 2)
    served.await_logged("ready", 4)
    assert answering(served) == {new}
    httpx.post(f"{served.url}/admin/rollback", headers=ADMIN).raise_for_status()
    served.await_logged("ready", 6)
    assert answering(served) == {old}


def test_a_bad_bundle_takes_over_in_none(served: Served, tmp_path: Path) -> None:
    before = answering(served)
    bad = publish_damaged(tmp_path / "bundles")
    served.await_logged("refused: ", 1)
    assert answering(served) == before != {bad}


@pytest.mark.parametrize("publish_bad", [publish_damaged, publish_foreign])
def test_nor_in_a_worker_that_is_started_again(
    served: Served, tmp_path: Path, publish_bad: Callable[[Path], str]
) -> None:
    before = answering(served)
    publish_bad(tmp_path / "bundles")
    served.await_logged("refused: ", 1)
    kill_a_worker(served)
    served.await_workers(3)
    assert answering(served) == before
    good = publish(tmp_path / "bundles", 3)
    served.await_logged("ready", 5)
    assert answering(served) == {good}


def test_a_worker_that_is_started_again_goes_by_the_rollback(
    served: Served, tmp_path: Path
) -> None:
    (old,) = answering(served)
    publish(tmp_path / "bundles", 2)
    served.await_logged("ready", 4)
    httpx.post(f"{served.url}/admin/rollback", headers=ADMIN).raise_for_status()
    served.await_logged("ready", 6)
    kill_a_worker(served)
    served.await_workers(7)
    assert answering(served) == {old}


def kill_a_worker(served: Served) -> None:
    """End one, as if the system had been out of memory."""
    os.kill(served.workers[-1], signal.SIGKILL)


def test_swaps_under_load_fail_no_request(served: Served, tmp_path: Path) -> None:
    def publish_three() -> None:
        for day in (2, 3, 4):
            publish(tmp_path / "bundles", day)
            served.await_logged("ready", 2 * day)

    answers = 0
    with ThreadPoolExecutor(1) as beside:
        published = beside.submit(publish_three)
        while not published.done():
            loaded = run(f"{served.url}/recommend", [b'{"basket": ["item-0"]}'], 100, 0.5, 8)
            result = asyncio.run(loaded)
            assert result.failures == 0
            answers += len(result.times_ms)
        published.result()
    assert answers >= 50
