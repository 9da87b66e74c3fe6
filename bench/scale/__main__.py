"""`python -m bench.scale`: measure a build far beyond the demo's size, and check its limits.

Prints each figure when it is there and all of them as a table, and writes them as JSON, with
machine and versions. With `--full`, 100 million lines are encoded as well, with two kinds of ids,
and a bundle is built from those of one kind; that needs 20 GB of disk.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench.figures import Figure, as_table, write
from bench.scale.encoding import LARGE, SMALL, measure_encoding
from bench.scale.serving import measure_serving
from bench.scale.training import measure_training

_USERS, _ITEMS = 3_500_000, 90_000
_TRIPLES = 80_000_000
PARTS = ("encoding", "training", "serving")


def main() -> None:
    """Run the parts and print the table; exit with 1 if a limit is missed."""
    arguments = _arguments()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    console, figures = Console(), []
    for figure in _figures(arguments):
        console.print(f"{figure.name}: {figure.value:.4g} {figure.unit}", highlight=False)
        figures.append(figure)
    console.print(as_table(figures))
    write(arguments.out / "scale.json", figures)
    if missed := [figure.name for figure in figures if figure.verdict == "missed"]:
        sys.exit(f"bench: missed {', '.join(missed)}")


def _figures(arguments: argparse.Namespace) -> Iterator[Figure]:
    if "encoding" in arguments.only:
        yield from measure_encoding(arguments.scratch, SMALL, ("polars", "duckdb"))
        for extent in LARGE if arguments.full else ():
            yield from measure_encoding(arguments.scratch, extent, ("polars",))
    if "training" in arguments.only:
        yield from measure_training(_USERS, _ITEMS, _TRIPLES)
    if "serving" in arguments.only:
        yield from measure_serving(arguments.bundle, arguments.scratch, _USERS, _ITEMS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m bench.scale",
        description=__doc__,
        epilog="For example: python -m bench.scale --only serving",
    )
    add = parser.add_argument
    add("--bundle", type=Path, default=Path("bundles"), help="bundle to make larger (%(default)s)")
    add(
        "--out",
        type=Path,
        default=Path("bench/results"),
        help="folder of the figures (%(default)s)",
    )
    add("--scratch", type=Path, default=Path("scale-scratch"), help="for large files (%(default)s)")
    add("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run; all by default")
    add("--full", action="store_true", help="100 million lines as well, and a build from them")
    return parser.parse_args()


if __name__ == "__main__":
    main()
