"""`python -m chaos`: do to the service what can happen to it, under load."""

import argparse
import sys
from itertools import chain
from pathlib import Path

from rich.console import Console

from bench.load import generator
from bench.processes import CORES
from chaos import hot_swap, profile_store
from chaos.outcome import as_table


def main() -> None:
    """Do all faults, print the table, exit with 1 if one was not survived."""
    arguments = _arguments()
    bodies = arguments.requests.read_bytes().splitlines()
    found = []
    with generator(bodies, {CORES[-1]}) as load:
        asked = (arguments.bundle, load, arguments.rate, arguments.seconds)
        for each in chain(profile_store.outcomes(*asked), hot_swap.outcomes(*asked)):
            Console(stderr=True).print(f"{each.fault}: {'survived' if each.survived else 'not'}")
            found.append(each)
    Console().print(as_table(found))
    if not all(each.survived for each in found):
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m chaos", description=__doc__)
    add = parser.add_argument
    add("--bundle", type=Path, default=Path("bundles"), help="(%(default)s)")
    add("--requests", type=Path, default=Path("loadtest/requests.jsonl"), help="(%(default)s)")
    add("--rate", type=float, default=200, help="requests per second (%(default)s)")
    add("--seconds", type=float, default=5, help="before, during and after each (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
