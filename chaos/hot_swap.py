"""Faults of bundles: good and damaged ones become current."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bench.processes import CORES, Memory
from bench.serving.load import Generator
from bench.serving.running import SERVE, Running, running
from bench.serving.swaps import built_again
from chaos.outcome import Outcome
from chaos.trial import Trial, awaited
from service.bundle.bundle import load_bundle
from service.bundle.publishing import CURRENT, point_current_at

__all__ = ["outcomes"]

_KEY = "the key of the trials"
_AT_MOST_MS = 30
_GROWTH = 1.05  # of memory, which varies a little


def outcomes(
    bundle: Path, load: Generator, rate: float, seconds: float, swaps: int = 10
) -> Iterator[Outcome]:
    """Make good and damaged bundles current under load, at last many in a row."""
    source = load_bundle(bundle).path
    with TemporaryDirectory() as folder:
        out = Path(folder)
        *good, damaged = (built_again(source, out, number) for number in range(4))
        (damaged / "item_vectors.npy").write_bytes(b"")
        first, second, _ = good
        (out / CURRENT).symlink_to(first.name)

        def roll_back() -> None:
            headers = {"Authorization": f"Bearer {_KEY}"}
            httpx.post(f"{service.url}/admin/rollback", headers=headers).raise_for_status()

        def damage() -> None:
            point_current_at(out, damaged)

        def mend() -> None:
            point_current_at(out, first)

        with running(SERVE, out, {CORES[0]}, flags=("--admin-key", _KEY)) as service:
            trial = Trial(service.url, load, rate, seconds)
            yield trial.outcome(
                "a new bundle",
                lambda: point_current_at(out, second),
                lambda: _await(service, second),
                _AT_MOST_MS,
            )
            yield trial.outcome("a rollback", roll_back, lambda: None, _AT_MOST_MS)
            yield trial.outcome("a damaged bundle", damage, mend, _AT_MOST_MS)
            yield _swapped(service, trial, out, good, swaps)


def _swapped(
    service: Running, trial: Trial, out: Path, bundles: Sequence[Path], swaps: int
) -> Outcome:
    """Swap among three bundles, so that each has left memory when it becomes current again."""
    held = [Memory.of(service.pid).anonymous]

    def swap() -> None:
        for bundle in islice(cycle(bundles[::-1]), swaps):
            point_current_at(out, bundle)
            _await(service, bundle)
            held.append(Memory.of(service.pid).anonymous)

    with ThreadPoolExecutor(1) as thread:
        swapping = []
        found = trial.outcome(
            f"{swaps} new bundles in a row",
            lambda: swapping.append(thread.submit(swap)),
            lambda: swapping[0].result(),
            _AT_MOST_MS,
        )
    held.append(Memory.of(service.pid).anonymous)  # of two bundles: the current and the previous
    remark = f"anonymous memory, MB: {', '.join(f'{each:.0f}' for each in held)}"
    return replace(found, kept=held[-1] <= max(held[:4]) * _GROWTH, remark=remark)


def _await(service: Running, bundle: Path) -> None:
    def answers() -> bool | None:
        current = httpx.get(f"{service.url}/health").json()["bundle_id"]
        return current == bundle.name or None

    awaited(answers, f"the bundle {bundle.name}")
