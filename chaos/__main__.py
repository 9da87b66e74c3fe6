"""`python -m chaos`: do to the service what can happen to it, under load."""

import argparse
import sys
from itertools import chain
from pathlib import Path

from rich.console import Console

from bench.load import generator
from bench.processes import CORES
from chaos import hot_swap, overload, profile_store, purchase_stream
from chaos.outcome import as_table

_KINDS = (profile_store, purchase_stream, hot_swap, overload)


def main() -> None:
    """Do all faults, print the table, exit with 1 if one was not survived."""
    arguments = _arguments()
    bodies = arguments.requests.read_bytes().splitlines()
    found = []
    with generator(bodies, {CORES[-1]}) as load:
        asked = (arguments.bundle, load, arguments.rate, arguments.seconds)
        for each in chain.from_iterable(kind.outcomes(*asked) for kind in _KINDS):
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
    add("--rate", type=float, default=300, help="requests per second (%(default)s)")
    add("--seconds", type=float, default=5, help="before, during and after each (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
