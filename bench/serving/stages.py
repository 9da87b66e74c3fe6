"""Time of a request by stage: the real app, called inside its process.

The stages are those of the service's own metrics. The whole request is timed from the call of the
app to its return. The difference to the sum of the stages is routing, metrics and reading the body;
HTTP parsing and the socket are not included. `bench.serving.around` has what a request takes
without its recommendation, with them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.figures import Figure
from bench.processes import CORES, process_on
from bench.serving.around import around
from bench.serving.in_process import post
from service.app import create_app
from service.settings import Settings
from service.telemetry.metrics import STAGES, Metrics

__all__ = ["run"]

WARM_UP = 200
WHOLE = "whole request"


class _Kept(Metrics):
    """Metrics that keep the seconds of every stage."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, list[float]] = {stage: [] for stage in (*STAGES, WHOLE)}

    def observe_stage(self, stage: str, seconds: float) -> None:
        super().observe_stage(stage, seconds)
        self.seconds[stage].append(seconds)


def run(bundle: Path, requests: Path, _out: Path, smoke: bool) -> list[Figure]:
    """Measure median and 99th percentile of each stage, the whole request, and what is around."""
    bodies = requests.read_bytes().splitlines()[: WARM_UP if smoke else None]
    with process_on({CORES[0]}) as process:
        failures, seconds = process.submit(_timed, bundle, bodies).result()
    under: dict[str, str | float] = {"requests": len(bodies), "workers": 1}
    return [
        *_figures(seconds, under),
        Figure("failures by stage", failures, at_most=0, under=under),
        *around(bundle, requests, smoke),
    ]


def _figures(seconds: dict[str, list[float]], under: dict[str, str | float]) -> Iterator[Figure]:
    for stage, taken in seconds.items():
        for name, percent in (("median", 50), ("p99", 99)):
            microseconds = float(np.percentile(taken, percent)) * 1e6
            yield Figure(f"{stage}, {name}", microseconds, "µs", under=under)


def _timed(bundle: Path, bodies: Sequence[bytes]) -> tuple[int, dict[str, list[float]]]:
    """Number of failures, and seconds by stage."""
    metrics = _Kept()
    app = create_app(Settings(bundle=bundle, log_level="warning"), metrics)
    app.state.swap.start()
    post(app, bodies[:WARM_UP])
    for taken in metrics.seconds.values():
        taken.clear()
    posted = post(app, bodies)
    metrics.seconds[WHOLE] = posted.seconds
    return posted.failures, metrics.seconds
