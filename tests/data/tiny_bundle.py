"""A bundle small enough to know by heart: 40 items, 6 users, d = 4, two aisles.

Even items stand in the aisle "bakery", odd ones in "garden", and each user shops in one aisle only:
users 0 to 2 in the bakery, users 3 to 5 in the garden. Vectors of the two aisles point in opposite
directions, so an anchor finds its own aisle first.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from service.bundle.bundle import BundleContents, write_bundle
from service.bundle.catalogue import Catalogue
from service.recommending.weights import Weights
from service.retrieval import backend, measure_ann_recall
from service.retrieval.exact import Exact

N_ITEMS, N_USERS, DIMENSION = 40, 6, 4
AISLES = ("bakery", "garden")
NOON = 1_511_956_800  # 2017-11-29 12:00 UTC, two days before `as_of`

# Arrays that the tiny bundle may have beside its others: items 1 and 3 have some.
SUBSTITUTES: dict[str, Any] = {
    "substitute_indptr": np.array([0, 0, 3, 3] + [4] * (N_ITEMS - 3), np.int64),
    "substitute_item": np.array([3, 7, 2, 1], np.int32),
    "substitute_score": np.array([0.75, 0.5, 0.25, 0.5], np.float32),
}


def tiny_contents(backend_name: str = "exact", seed: int = 7, **changes: Any) -> BundleContents:
    """Return the contents of the tiny bundle; `changes` replace fields of it."""
    random = np.random.default_rng(seed)
    aisle = np.arange(N_ITEMS) % 2  # (n_items,)
    home = np.arange(N_USERS) // 3  # (n_users,)
    direction = np.array([[1, 1, 0, 0], [-1, -1, 0, 0]], np.float32)  # (aisles, d)
    item_p = direction[aisle] + 0.3 * random.standard_normal((N_ITEMS, DIMENSION))
    item_q = direction[aisle] + 0.3 * random.standard_normal((N_ITEMS, DIMENSION))
    user_h = direction[home] + 0.3 * random.standard_normal((N_USERS, DIMENSION))
    count = np.arange(2 * N_ITEMS, N_ITEMS, -1)
    vectors = np.column_stack([item_p, item_q, np.log(count / count.sum())]).astype(np.float32)

    # User u bought the first 6 items of the home aisle, item number j in 1 + j baskets.
    bought = np.concatenate([np.flatnonzero(aisle == h)[:6] for h in home])
    baskets = np.tile(np.arange(1, 7), N_USERS)
    weights = Weights(user=0.5, popularity=1, history=1)
    queries = np.column_stack([item_q, item_p, np.ones(N_ITEMS)]).astype(np.float32)[::4]
    retrieval = backend(backend_name).build(vectors, {})
    contents = BundleContents(
        item_vectors=vectors,
        item_count=count.astype(np.int32),
        user_h=user_h.astype(np.float32),
        history_indptr=np.arange(0, 6 * N_USERS + 1, 6, dtype=np.int64),
        history_item=bought.astype(np.int32),
        history_count=baskets.astype(np.int32),
        history_recency=(baskets / 6).astype(np.float32),
        history_last=(NOON - 86_400 * baskets).astype(np.int64),
        recall_queries=queries,
        catalogue=Catalogue(
            item_ids=[f"item-{i}" for i in range(N_ITEMS)],
            names=[f"Thing {i}" for i in range(N_ITEMS)],
            departments=["SHOP"] * N_ITEMS,
            categories=[AISLES[a] for a in aisle],
            subcategories=[f"shelf {i // 8}" if i % 5 else "" for i in range(N_ITEMS)],
        ),
        user_ids=[f"user-{u}" for u in range(N_USERS)],
        retrieval=retrieval,
        ann_recall_at_k=measure_ann_recall(retrieval, Exact(vectors), queries),
        as_of="2017-12-01T00:00:00",
        build={"dimension": DIMENSION, "seed": seed, "recency_half_life_days": 60},
        serving=weights.write() | weights.write("vectors_"),
        metrics={"validation": {"recall_at_k": 0.5, "ndcg_at_k": 0.25}},
    )
    return replace(contents, **changes)


if __name__ == "__main__":
    for name in ("exact", "faiss", "nmslib"):
        print(write_bundle(Path(sys.argv[1]), tiny_contents(name)))
