"""`python -m bench`: measure speed and memory, and check them against their limits.

Prints one table, and writes the same figures as JSON, with machine and versions, and the pictures.
"""

import argparse
import os
import sys
from pathlib import Path
from time import perf_counter

from rich.console import Console

from bench.figures import Figure, as_table, machine, write
from bench.processes import ONE_THREAD
from bench.suite import BENCHES, measure


def main() -> None:
    """Run the benches and print the table; exit with 1 if a limit is missed."""
    arguments = _arguments()
    os.environ |= ONE_THREAD  # as in the service
    arguments.out.mkdir(parents=True, exist_ok=True)
    inputs = (arguments.bundle, arguments.requests, arguments.out, arguments.smoke)
    figures: list[Figure] = []
    console = Console(stderr=True)
    for name in arguments.only:
        began = perf_counter()
        with console.status(name):
            figures += measure(name, *inputs)
        console.print(f"[green]✓[/] {name} [dim]{perf_counter() - began:.0f} s[/]")
    Console().print(as_table(figures))
    Console().print(machine())
    whole = set(arguments.only) == set(BENCHES)
    write(arguments.out / f"{'latest' if whole else '-'.join(arguments.only)}.json", figures)
    missed = [figure.name for figure in figures if figure.verdict == "missed"]
    if missed and not arguments.smoke:
        sys.exit(f"bench: missed {', '.join(missed)}")


def _benches(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(BENCHES):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(BENCHES)}, found {unknown}")
    return names


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m bench",
        description=__doc__,
        epilog="For example: python -m bench --only serving,memory",
    )
    add = parser.add_argument
    add("--bundle", type=Path, default=Path("bundles"), help="bundle to measure (%(default)s)")
    requests = Path("loadtest/requests.jsonl")
    add("--requests", type=Path, default=requests, help="bodies to post (%(default)s)")
    add(
        "--out",
        type=Path,
        default=Path("bench/results"),
        help="directory of the figures (%(default)s)",
    )
    add(
        "--only",
        type=_benches,
        default=list(BENCHES),
        help=f"benches to run, with commas in between: {', '.join(BENCHES)}",
    )
    add("--smoke", action="store_true", help="run briefly, without limits")
    return parser.parse_args()


if __name__ == "__main__":
    main()
