"""Queries of late baskets, which are the most like those to come, to measure recall with."""

import numpy as np

from index_builder.transactions.encoded.encoding import EncodedTransactions
from service.bundle.bundle import BundleContents
from service.recommending.searching.queries import build_queries
from service.recommending.weights import Weights
from service.support.arrays.array_types import Float32, Int32

_QUERIES = 200
_LATE_SHARE = 0.1  # of the training baskets, the last ones
_LIST_ANCHORS = 5  # of a basket; with fewer, each is asked for more than a list holds


def recall_queries(
    encoded: EncodedTransactions, rows: Float32, user_h: Float32, weights: Weights, seed: int
) -> Float32:
    """Queries for the index, (n, 2d + 1) float32.

    Each of the first half has one random item of its basket for an anchor; each of the others is
    the mean over all items as anchors, as the service searches without a ranker.

    Args:
        encoded: the training baskets.
        rows: (n_items, 2d + 1) float32.
        user_h: (n_users, d) float32.
        weights: of the parts of a score.
        seed: of the choice of baskets and items.
    """
    rng = np.random.default_rng(seed)
    baskets = _late_baskets(encoded, rng, 1)
    queries = []
    for place, (user, anchors) in enumerate(baskets):
        some = rng.choice(anchors, 1) if place < len(baskets) // 2 else anchors
        of_anchors = build_queries(rows, some, user_h[user], weights)
        queries.append(of_anchors.mean(axis=0, keepdims=True))
    return np.concatenate(queries)


def list_queries(
    encoded: EncodedTransactions, contents: BundleContents, weights: Weights, seed: int
) -> tuple[Float32, Int32]:
    """Queries of one random item of each late basket that lists are for, and the items.

    A query is divided by the factor of the item's part, so that neighbour weights count as in a
    list.

    Args:
        encoded: the training baskets.
        contents: has the vectors.
        weights: of the parts of a score.
        seed: of the choice of baskets and items.

    Returns:
        (n, 2d + 1) float32 and (n,) int32.
    """
    rng = np.random.default_rng(seed)
    queries, chosen = [], []
    for user, anchors in _late_baskets(encoded, rng, _LIST_ANCHORS):
        user_h = contents.user_h[user] if user < len(contents.user_h) else None
        place = rng.integers(len(anchors))
        of_anchors = build_queries(contents.item_vectors, anchors, user_h, weights)
        factor = np.float32(len(anchors) ** (1 - weights.basket_exponent))
        queries.append(of_anchors[place] / factor)
        chosen.append(anchors[place])
    return np.array(queries, np.float32), np.array(chosen, np.int32)


def _late_baskets(
    encoded: EncodedTransactions, rng: np.random.Generator, least: int
) -> list[tuple[int, Int32]]:
    """User and items of some of the last training baskets, oldest first.

    Baskets of fewer than `least` items are left out, if there are others.
    """
    large = np.flatnonzero(encoded.basket_sizes >= least)
    baskets = large if len(large) else np.arange(encoded.n_baskets)
    late = baskets[-max(min(len(baskets), _QUERIES), round(_LATE_SHARE * len(baskets))) :]
    chosen = np.sort(rng.choice(late, min(len(late), _QUERIES), replace=False))
    return [
        (
            int(encoded.basket_user[basket]),
            encoded.basket_items[slice(*encoded.basket_indptr[basket : basket + 2])],
        )
        for basket in chosen
    ]
