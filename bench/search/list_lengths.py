"""How long lists must be for each weight of the user that a build may choose, and their time.

A list is made for an anchor alone; the more the user weighs, the longer it must be to contain what
the two find together. As in a build, the shortest length that reaches the target is taken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from bench.figures import Figure
from bench.search.searching import Lists, Numpy, Searches, anchors_of, recall_of, timed
from bench.search.vectors import queries_of_baskets
from index_builder.validation.blending import GRID
from service.bundle.bundle import Bundle
from service.recommending.weights import Weights
from service.retrieval.exact import Exact
from service.support.arrays.array_types import Float32

__all__ = ["by_user_weight"]

_ANCHORS, _K = 10, 100
_LONGER = (2, 3, 4, 5, 6, 8, 12, 16)  # than what is asked of a list
_AT_MOST = 0.07


def by_user_weight(
    bundle: Bundle, requests: Path, rows: Float32, n: int, target: float
) -> Iterator[Figure]:
    """Recall of the lists, and their time divided by NumPy's, for each weight of the user.

    Args:
        bundle: knows the items and users of the requests, and the other weights.
        requests: file of bodies of POST /recommend.
        rows: (n_items, 2d + 1) float32, the catalogue to search.
        n: batches of 10 anchors.
        target: the recall to reach.
    """
    plain, exact = Numpy(rows), Exact(rows)
    chosen = Weights.read(bundle.manifest.serving)
    for user in sorted({each.user for each in GRID}):
        weights = replace(chosen, user=user)
        batches, alone = (
            anchors_of(
                list(islice(queries_of_baskets(bundle, requests, known, weights), 10 * n)),
                _ANCHORS,
                n,
            )
            for known in (True, False)
        )
        lists, places, recall = _shortest(rows, exact, batches, alone, target)
        seconds = np.median(timed([plain, lists], [*batches, *batches], _K, turn=10), axis=1)
        under: dict[str, str | float] = {
            "items": len(rows), "anchors": _ANCHORS, "k": _K, "threads": 1,
            "places": places, "recall": round(recall, 4),
        }  # fmt: skip
        ratio = float(seconds[1] / seconds[0])
        name = f"user weight {user}"
        yield Figure(f"lists beside NumPy, {name}", ratio, "x", at_most=_AT_MOST, under=under)
        yield Figure(f"ann_recall_at_100 of lists, {name}", recall, at_least=target, under=under)


def _shortest(
    rows: Float32,
    exact: Searches,
    batches: Sequence[Float32],
    alone: Sequence[Float32],
    target: float,
) -> tuple[Lists, int, float]:
    """The shortest lists that reach the target, their length and recall; or else the longest."""
    for places in (_K * longer for longer in _LONGER):
        lists = Lists(rows, exact, batches, alone, places)
        recall = recall_of(lists, exact, batches, _K)
        if recall >= target:
            break
    return lists, places, recall
