"""`python -m chaos`: apply faults to a service under load, and report how requests fared."""

import argparse
import sys
from functools import partial
from itertools import chain
from pathlib import Path

from rich.console import Console

from bench.processes import CORES
from bench.serving.load import generator
from chaos import (
    hostile_clients,
    hot_swap,
    overload,
    profile_store,
    purchase_storage,
    purchase_stream,
    workers,
)
from chaos.outcome import as_table

_KINDS = {
    "profile_store": profile_store.outcomes,
    "purchase_stream": purchase_stream.outcomes,
    "purchase_storage": purchase_storage.outcomes,
    "hot_swap": hot_swap.outcomes,
    "workers": workers.outcomes,
    "overload": overload.outcomes,
    "hostile_clients": hostile_clients.outcomes,
}
_WIDTH = 160  # of the table in a file


def main() -> None:
    """Apply the faults and print the table; exit with 1 if one was not survived."""
    arguments = _arguments()
    bodies = arguments.requests.read_bytes().splitlines()
    found = []
    with generator(bodies, {CORES[-1]}) as load:
        inputs = (arguments.bundle, load, arguments.rate, arguments.seconds)
        kinds = _KINDS | {"hot_swap": partial(hot_swap.outcomes, swaps=arguments.swaps)}
        for each in chain.from_iterable(kinds[kind](*inputs) for kind in arguments.only):
            survived = "survived" if each.survived else "not survived"
            Console(stderr=True).print(f"{each.fault}: {survived}")
            found.append(each)
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(as_table(found))
    for each in found:
        if each.remark:
            print(f"{each.fault}: {each.remark}")
    if not all(each.survived for each in found):
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m chaos", description=__doc__)
    add = parser.add_argument
    add("--bundle", type=Path, default=Path("bundles"), help="bundle to serve (%(default)s)")
    requests = Path("loadtest/requests.jsonl")
    add("--requests", type=Path, default=requests, help="bodies to post (%(default)s)")
    add("--rate", type=float, default=300, help="requests per second (%(default)s)")
    add(
        "--seconds", type=float, default=5, help="before, during and after each fault (%(default)s)"
    )
    add("--swaps", type=int, default=10, help="new bundles in a row (%(default)s)")
    add(
        "--only",
        nargs="+",
        choices=_KINDS,
        default=list(_KINDS),
        help="kinds of faults; all by default",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
