"""Time and memory of a build, stage by stage, as the number of transactions grows.

The shops are 1, 4 and 16 copies of a sixteenth of the demo's households, each copy with its own
ids. The number of baskets that an item needs grows likewise, so the catalogue stays the same; the
largest shop is about as large as the demo. The real command builds each on two cores and reports
the time of every stage. Training runs for a fixed number of epochs, because validation would stop
it at a different moment each time.

No stage may grow faster than n log n from the second shop to the third, with a quarter of slack for
other work of the machine. Stages of less than a second are left out.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import polars as pl

from bench.figures import Figure
from bench.processes import CORES, ONE_THREAD, peak_memory
from bench.training_speed import triples_per_s
from index_builder.config import TrainConfig
from index_builder.evaluation.pictures.drawing import (
    BLUE,
    INK,
    OTHERS,
    QUIET,
    picture,
    without_ticks,
)
from index_builder.evaluation.pictures.labels import label_points
from index_builder.transactions.datasets import completejourney
from index_builder.transactions.encoded.encoding import encode

__all__ = ["run"]

COMMAND = Path(sys.executable).with_name("rtt2vec-build")
THREADS = 2
FEWEST_BASKETS = 2  # of an item, in one copy
SLACK = 1.25
LEAST_S = 1.0
WHOLE = "whole build"
_GUIDE = "n log n"
_STAGE = re.compile(r"^✓ ([A-Z][a-z ]*[a-z]).* (\d+\.\d) s$", re.MULTILINE)


@dataclass(frozen=True)
class _Extent:
    """How much is built: one household in `every`, in so many copies.

    `triples` are trained to measure the speed of training alone.
    """

    every: int = 16
    copies: tuple[int, ...] = (1, 4, 16)
    epochs: int = 2
    triples: int = 4_000_000


@dataclass(frozen=True)
class _Build:
    """One build.

    Attributes:
        lines: number of transactions.
        seconds: time by stage, and of the whole build.
        peak: largest resident memory, in MB of a million bytes.
    """

    lines: int
    seconds: Mapping[str, float]
    peak: float


_SMOKE = _Extent(every=256, copies=(1, 2), epochs=1, triples=10_000)


def run(_bundle: Path, _requests: Path, out: Path, smoke: bool) -> list[Figure]:
    """Build every shop; return the figures and draw them."""
    extent = _SMOKE if smoke else _Extent()
    transactions, products = completejourney.read()
    users = transactions.lines["user_id"].unique().sort().to_numpy()
    drawn = np.random.default_rng(0).choice(users, len(users) // extent.every, replace=False)
    lines = transactions.lines.filter(pl.col("user_id").is_in(drawn))
    with TemporaryDirectory() as directory:
        files = Path(directory)
        products.write_parquet(files / "products.parquet")
        builds = [_build(files, lines, copies, extent.epochs) for copies in extent.copies]
    _draw(out / "builder.svg", builds)
    speed = triples_per_s(encode(transactions, products), TrainConfig(), extent.triples)
    triples = median(speed() for _ in range(3))
    under: dict[str, str | float] = {"threads": THREADS, "dimension": TrainConfig().dimension}
    return [
        Figure("training", triples / 1e6, "million triples/s", under=under),
        *_costs(builds, under | {"epochs": extent.epochs}),
        *_growth(*builds[-2:]),
    ]


def _build(files: Path, lines: pl.DataFrame, copies: int, epochs: int) -> _Build:
    """Build copies of a shop with the command, on two cores."""
    shop = files / f"{copies}.parquet"
    ids = pl.col("user_id", "basket_id")
    replicas = [lines.with_columns(ids + f"-{copy}") for copy in range(copies)]
    pl.concat(replicas).rename({"begun_at": "timestamp"}).write_parquet(shop)
    flags = {
        "--transactions": shop,
        "--products": files / "products.parquet",
        "--out": files / f"bundles-{copies}",
        "--min-item-baskets": FEWEST_BASKETS * copies,
        "--epochs": epochs,
        "--threads": THREADS,
    }
    words = [str(word) for pair in flags.items() for word in pair]
    inherited = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    log_text, peak, began = "", 0.0, perf_counter()
    with subprocess.Popen(
        [COMMAND, *words], env=inherited | {"COLUMNS": "200"}, stderr=subprocess.PIPE, text=True
    ) as process:
        os.sched_setaffinity(process.pid, CORES[:THREADS])
        for line in process.stderr or ():
            log_text += line
            peak = max(peak, peak_memory(process.pid))
    seconds = {WHOLE: perf_counter() - began}
    if process.returncode:
        sys.exit(log_text)
    for stage, took in _STAGE.findall(log_text):
        seconds[stage] = seconds.get(stage, 0.0) + float(took)
    return _Build(len(lines) * copies, seconds, peak)


def _costs(builds: list[_Build], under: dict[str, str | float]) -> Iterator[Figure]:
    for build in builds:
        under = under | {"transactions": build.lines}
        size = f"{build.lines:,} transactions"
        yield Figure(f"{WHOLE} of {size}", build.seconds[WHOLE], "s", under=under)
        yield Figure(f"peak memory, {size}", build.peak, "MB", under=under)


def _growth(small: _Build, large: _Build) -> Iterator[Figure]:
    """Growth of each stage from the small build to the large one; at most n log n and slack."""
    times = large.lines / small.lines
    limit = times * log(large.lines) / log(small.lines) * SLACK
    for stage, took in large.seconds.items():
        if took >= LEAST_S and small.seconds.get(stage):
            yield Figure(
                f"{stage}, growth by {times:g} times the transactions",
                took / small.seconds[stage],
                at_most=round(limit, 2),
                under={"seconds": round(took, 1), "transactions": large.lines},
            )


def _draw(path: Path, builds: list[_Build]) -> None:
    """Draw seconds by stage, and memory, over the number of transactions."""
    largest = builds[-1].seconds
    stages = sorted(largest, key=lambda stage: -largest[stage])[:6]
    colours = dict(zip(stages, (BLUE, *OTHERS, INK), strict=False)) | {_GUIDE: QUIET}
    lines = np.array([build.lines for build in builds])
    curves = {stage: [build.seconds.get(stage, 0.0) for build in builds] for stage in stages}
    curves[_GUIDE] = list(curves[WHOLE][0] * lines * np.log(lines) / (lines[0] * log(lines[0])))
    with picture(path, 10, 4.6) as figure:
        time, memory = figure.subplots(1, 2, width_ratios=(2, 1))
        for stage, taken in curves.items():
            style = {"linestyle": "--"} if stage == _GUIDE else {"marker": "o", "markersize": 5}
            time.plot(lines, taken, color=colours[stage], **style)
        memory.plot(lines, [build.peak for build in builds], color=BLUE, marker="o")
        memory.set_ylim(0, None)
        time.set_yscale("log", nonpositive="mask")  # a shop too small for a ranker
        time.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        time.set_title("Seconds, by stage")
        memory.set_title("Peak memory, MB")
        for axes in (time, memory):
            axes.set_xscale("log")
            axes.set_xlim(lines[0] / 1.3, lines[-1] * 3)
            axes.set_xticks(lines, [f"{count / 1000:,.0f} k" for count in lines])
            axes.minorticks_off()
            axes.set_xlabel("transactions")
            without_ticks(axes, "y")
        figure.draw_without_rendering()  # fixes the positions of the points
        ends = {stage: (float(lines[-1]), taken[-1]) for stage, taken in curves.items()}
        label_points(time, ends, colours, 8)
