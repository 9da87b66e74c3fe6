"""From files of lines to a bundle: time and memory of each stage.

Encoding, the stages before training one after the other, and the whole build are commands of their
own.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure
from bench.scale.commands import THREADS, Cost, figures_of, run
from bench.scale.lines import write_lines, write_products

__all__ = ["LARGE", "SMALL", "Extent", "measure_encoding"]

COMMAND = str(Path(sys.executable).with_name("rtt2vec-build"))

_Limits = tuple[float, float]


@dataclass(frozen=True)
class Extent:
    """What is encoded and built, and the seconds and MB (of a million bytes) that it may take.

    Attributes:
        copies: of the demo's households.
        random_ids: whether ids are random.
        encode: limits of reading and encoding by the first engine.
        csv: limits of the same, from a CSV file with every field quoted; None: without one.
        stages: limits of all stages after that but training; None: no limits.
        build: limits of encoding and the build from the encoded tables; None: no limits.
        max_triples: of each training of the build; 0: without a build.
    """

    copies: int
    random_ids: bool
    encode: _Limits
    csv: _Limits | None = None
    stages: _Limits | None = None
    build: _Limits | None = None
    max_triples: int = 0


SMALL = Extent(16, random_ids=False, encode=(60, 2000), csv=(60, 2000))
LARGE = (
    Extent(
        70,
        random_ids=False,
        encode=(300, 4500),
        stages=(720, 6000),
        build=(3600, 10_000),
        max_triples=10_000_000,
    ),
    Extent(70, random_ids=True, encode=(300, 4500), stages=(720, 6000)),
)


def measure_encoding(scratch: Path, extent: Extent, engines: Sequence[str]) -> Iterator[Figure]:
    """Encodes one file of lines by each engine, runs the stages after that, and builds.

    Args:
        scratch: a directory with room for file, checked lines, tables and bundle: 120 bytes a line,
            200 with random ids.
        extent: what is encoded.
        engines: the first of them makes the tables that the stages and the build read.
    """
    with TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        file, products = folder / "lines.parquet", folder / "products.parquet"
        lines = write_lines(file, extent.copies, extent.random_ids)
        write_products(products, extent.random_ids)
        under: dict[str, str | float] = {"lines": f"{lines:,}", "threads": THREADS}
        under |= {"ids": "random"} if extent.random_ids else {}
        encoded = []
        for engine in engines:
            encoded.append(_encode(file, engine, folder))
            limits = extent.encode if engine == engines[0] else None
            yield from figures_of(f"encode by {engine}", encoded[-1], limits, under)
        if extent.csv is not None:
            write_lines(folder / "lines.csv", extent.copies, extent.random_ids)
            cost = _encode(folder / "lines.csv", engines[0], folder)
            yield from figures_of("encode CSV, every field quoted", cost, extent.csv, under)
        tables = f"{folder}/{engines[0]}{file.suffix}"
        words = [sys.executable, "-m", "bench.scale.counting", tables, str(products)]
        yield from _stages(run(words, folder).stages, extent.stages, under)
        if extent.max_triples:
            under |= {"max-triples": f"{extent.max_triples:,}"}
            yield from _build(folder, tables, products, encoded[0], extent, under)


def _encode(file: Path, engine: str, folder: Path) -> Cost:
    """What it takes to encode this file into a folder named by engine and kind of file."""
    words = [COMMAND, "encode", "--engine", engine, "--transactions", str(file)]
    return run([*words, "--out", f"{folder}/{engine}{file.suffix}"], folder).cost


def _stages(
    stages: Sequence[tuple[str, Cost]], limits: _Limits | None, under: dict[str, str | float]
) -> Iterator[Figure]:
    """Each stage before training, and all of them."""
    for name, cost in stages:
        yield from figures_of(name, cost, None, under)
    whole = Cost.of_all([cost for _, cost in stages])
    yield from figures_of("all stages after encoding", whole, limits, under)


def _build(
    folder: Path,
    tables: str,
    products: Path,
    encode: Cost,
    extent: Extent,
    under: dict[str, str | float],
) -> Iterator[Figure]:
    """Each stage of a build from encoded tables, and the whole of it with encoding."""
    words = [COMMAND, "--encoded", tables, "--products", str(products)]
    words += ["--out", str(folder / "bundles"), "--max-triples", str(extent.max_triples)]
    built = run([*words, "--threads", str(THREADS)], folder)
    for name, cost in built.stages:
        yield from figures_of(f"build: {name}", cost, None, under)
    whole = Cost.of_all([encode, built.cost])
    yield from figures_of("encode and build", whole, extent.build, under)
