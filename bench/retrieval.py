"""How fast and how complete the three backends search a bundle's rows, with real baskets.

A request's search is one batch, with a query per anchor; here every item of the basket is one. The
backends take turns basket by basket, so that what else the machine does hits all of them alike.
`make bench-retrieval` runs this on one thread, as the service does.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from service.aggregate import Weights, build_queries
from service.bundle import Bundle, load_bundle
from service.profiles import Profiles
from service.retrieval import Retrieval, backend, measure_ann_recall

Float32 = npt.NDArray[np.float32]

BACKENDS = ("exact", "faiss", "nmslib")


def main() -> None:
    """Build all three, search with each, and print a line for each."""
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        sys.exit("retrieval.py: expected OPENBLAS_NUM_THREADS=1. Run: make bench-retrieval")
    arguments = _arguments()
    bundle = load_bundle(arguments.bundle)
    rows = bundle.item_vectors
    baskets = list(islice(_batches(bundle, arguments.requests), arguments.baskets))
    print(
        f"Bundle {bundle.bundle_id}: {len(rows):,} rows of {rows.shape[1]} numbers. "
        f"{len(baskets):,} baskets of {np.mean([len(queries) for queries in baskets]):.1f} "
        f"anchors on average, top {arguments.k} each, one thread.\n\n"
        f"{'backend':10}{'ann recall':>12}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'build s':>9}"
    )
    built = [_build(name, rows) for name in BACKENDS]
    indices = [index for index, _ in built]
    seconds = _timed(indices, baskets, arguments.k)
    queries = np.concatenate(baskets)
    for (index, build_s), times_s in zip(built, seconds, strict=True):
        recall = measure_ann_recall(index, indices[0], queries, arguments.k)
        p50, p95, p99 = np.percentile(times_s, (50, 95, 99)) * 1000
        print(f"{index.name:10}{recall:12.3f}{p50:9.2f}{p95:9.2f}{p99:9.2f}{build_s:9.1f}")


def _batches(bundle: Bundle, requests: Path) -> Iterator[Float32]:
    """The queries of each request, float32 (anchors, 2d + 1)."""
    weights = Weights.read(bundle.manifest.serving)
    profiles, index = Profiles(bundle), bundle.catalogue.index
    for line in requests.read_text("utf-8").splitlines():
        body = json.loads(line)
        profile = profiles.get(body["user_id"])
        anchors = np.array(sorted(index[item] for item in body["basket"] if item in index), "i4")
        user_h = profile.user_h if profile else None
        yield build_queries(bundle.item_vectors, anchors, user_h, weights)


def _build(name: str, rows: Float32) -> tuple[Retrieval, float]:
    began = perf_counter()
    index = backend(name).build(rows, {})
    return index, perf_counter() - began


def _timed(indices: list[Retrieval], baskets: list[Float32], k: int) -> npt.NDArray[np.float64]:
    """Seconds for each basket, shape (backends, baskets)."""
    seconds = np.empty((len(indices), len(baskets)))
    for index in indices:
        index.search(baskets[0], k)
    for basket, queries in enumerate(baskets):
        for place, index in enumerate(indices):
            began = perf_counter()
            index.search(queries, k)
            seconds[place, basket] = perf_counter() - began
    return seconds


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("retrieval.py", description=__doc__)
    add = parser.add_argument
    add("--bundle", type=Path, default=Path("bundles"), help="whose rows (%(default)s)")
    add("--requests", type=Path, default=Path("loadtest/requests.jsonl"), help="(%(default)s)")
    add("--baskets", type=int, default=1000, help="at most so many (%(default)s)")
    add("--k", type=int, default=100, help="candidates per anchor (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
