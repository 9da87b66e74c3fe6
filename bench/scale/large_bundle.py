"""A bundle of millions of users and ten thousands of items, at random, around the demo's.

Items are grown from those of a bundle (`bench.search.vectors`); the trees are its own. Users have
vectors, 20 to 60 items of history and 6 past baskets of 8 items. There are no rules and no
substitutes.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from bench.search.vectors import grown
from service.bundle.bundle import Bundle, BundleContents, write_bundle
from service.bundle.catalogue import Catalogue
from service.retrieval import backend
from service.support.arrays.array_types import Int32, Int64
from service.support.arrays.offsets import offsets
from service.support.durations import DAY_S

__all__ = ["write_large_bundle"]

_LINES = (20, 60)  # of a user's history
_BASKETS, _SIZE = 6, 8  # a user's past
_BLOCK = 1 << 18  # users made at once


def write_large_bundle(out: Path, like: Bundle, n_users: int, n_items: int) -> Path:
    """Writes the bundle into a directory of bundles and returns its path.

    3.5 million users and 90,000 items at d = 128 are 6 GB, on disk and for a while in memory.
    """
    random = np.random.default_rng(1)
    source = np.arange(n_items) * len(like.catalogue) // n_items
    rows = grown(like.item_vectors, n_items)
    facts = like.manifest.retrieval
    contents = BundleContents(
        item_vectors=rows,
        item_count=like.item_count[source],
        **_of_items(like, source, random),
        **_of_users(like, n_users, n_items, random),
        recall_queries=like.recall_queries,
        catalogue=_catalogue(like.catalogue, source),
        user_ids=[f"user-{number:08}" for number in range(n_users)],
        retrieval=backend(facts.backend).build(rows, facts.parameters),
        ann_recall_at_k=0,
        ann_recall_k=facts.k,
        ann_recall_target=0,  # of other rows than the queries are for
        as_of=like.manifest.as_of,
        build=like.manifest.build,
        serving={k: v for k, v in like.manifest.serving.items() if k != "trained_users"},
        metrics={},
    )
    return write_bundle(out, contents)


def _catalogue(like: Catalogue, source: Int64) -> Catalogue:
    columns: dict[str, Any] = {}
    for field in fields(like):
        values = getattr(like, field.name)
        columns[field.name] = values if values is None else [values[item] for item in source]
    columns["item_ids"] = [f"{item_id}-{n}" for n, item_id in enumerate(columns["item_ids"])]
    return Catalogue(**columns)


def _of_items(like: Bundle, source: Int64, random: np.random.Generator) -> dict[str, Any]:
    """What belongs to an item, and what all share: neighbours at random, trees as they are."""
    n_items = len(source)
    arrays = {name: a for name, a in like.present().items() if name.startswith(("tree_", "score_"))}
    arrays |= {name: like.present()[name][source] for name in ("item_trend", "item_rhythm")}
    sizes = np.diff(like.required("neighbour_indptr", "a large bundle"))[source]
    arrays["neighbour_indptr"] = offsets(sizes)
    n_pairs = int(sizes.sum())
    arrays["neighbour_item"] = random.integers(n_items, size=n_pairs, dtype=np.int32)
    arrays["neighbour_count"] = random.integers(1, 100, n_pairs, np.int32)
    for name in ("neighbour_weight", "neighbour_weight_back"):
        arrays[name] = random.random(n_pairs, np.float32)
    shape = n_items, like.required("closest_item", "a large bundle").shape[1]
    arrays["closest_item"] = random.integers(n_items, size=shape, dtype=np.int32)
    arrays["closest_weight"] = random.random(shape, np.float32)
    arrays["list_queries"] = like.required("list_queries", "a large bundle")
    arrays["list_anchor"] = like.required("list_anchor", "a large bundle") % np.int32(n_items)
    return arrays


def _of_users(
    like: Bundle, n_users: int, n_items: int, random: np.random.Generator
) -> dict[str, Any]:
    """Vectors, histories and past baskets."""
    sizes = random.integers(*_LINES, n_users)
    indptr = offsets(sizes)
    n_lines, n_baskets = int(indptr[-1]), n_users * _BASKETS
    cut = like.manifest.cut_s
    last = np.full(n_lines, cut - 30 * DAY_S)
    for start in range(0, n_lines, _BLOCK):
        some = last[start : start + _BLOCK]
        some -= random.integers(300 * DAY_S, size=len(some))
    user_h = random.standard_normal((n_users, like.dimension), np.float32)
    user_h *= np.float32(0.1)
    begun = np.tile(cut - 60 * DAY_S * np.arange(_BASKETS, 0, -1), n_users)
    return {
        "user_h": user_h,
        "history_indptr": indptr,
        "history_item": _ascending(sizes, indptr, n_items, random),
        "history_count": random.integers(1, 20, n_lines, np.int32),
        "history_recency": random.random(n_lines, np.float32),
        "history_last": last,
        "past_indptr": np.arange(n_users + 1) * _BASKETS,
        "past_begun": begun,
        "past_item_indptr": np.arange(n_baskets + 1) * _SIZE,
        "past_item": random.integers(n_items, size=n_baskets * _SIZE, dtype=np.int32),
    }


def _ascending(sizes: Int64, indptr: Int64, n_items: int, random: np.random.Generator) -> Int32:
    """Distinct items for every user, ascending: sums of steps."""
    items = np.empty(indptr[-1], np.int32)
    step = n_items // _LINES[1]
    for start in range(0, len(sizes), _BLOCK):
        own = sizes[start : start + _BLOCK]
        sums = random.integers(1, step + 1, own.sum()).cumsum()
        begins = offsets(own)[:-1]
        before = np.concatenate([[0], sums])[begins]
        items[indptr[start] : indptr[start] + len(sums)] = sums - before.repeat(own) - 1
    return items
