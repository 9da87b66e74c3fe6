"""Events outlive kill -9 of the workers that were told of them."""

from pathlib import Path

from chaos.purchase_stream import kill_workers
from service.bundle import write_bundle
from tests.data.tiny_bundle import tiny_contents


def test_workers_that_are_killed_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    found = kill_workers(write_bundle(tmp_path, tiny_contents()), kills=1)
    assert found.events > 0
    assert (found.lost, found.doubled, found.miscounted) == (0, 0, 0)
