"""The data that the features of all requests are made from."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local

import numpy as np

from service.bundle.bundle import Bundle
from service.profiles.profile import Profile
from service.recommending.ranking.evidence import Evidence
from service.recommending.ranking.item_facts import item_facts
from service.recommending.ranking.purchase_sums import (
    PAST_SUMS,
    SUBCATEGORY_SUMS,
    SUMS,
    add_neighbours,
    add_past_baskets,
    clear,
)
from service.support.arrays.array_types import Float32, Int32, Int64
from service.support.arrays.read_only import read_only

_SHRINKAGE = 5.0  # of the cosine, so that few baskets in common count for little
_NO_BASKETS = read_only(np.empty(0, np.int64))
_NO_ITEMS = read_only(np.empty(0, np.int32))


class _Scratch(local):
    """Arrays that a request writes to, one set per thread, kept since clearing them is slow."""

    def __init__(self, n_items: int) -> None:
        self.in_basket = np.zeros(n_items, np.bool_)
        self.row_of = np.zeros(n_items, np.int32)
        self.recency = np.zeros(n_items, np.float32)
        self.items = np.zeros(n_items + 1, np.int32)
        self.sums = np.zeros(n_items + 1, SUMS)


class FeatureTable:
    """The data that the features of all requests are made from; safe to share between threads.

    Attributes:
        facts: (n_items,) of FACTS.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Reads the bundle.

        Raises:
            BundleInvalidError: it holds no neighbours or no past baskets.
        """
        # Items were counted in the training baskets, not in those of folded-in users.
        past_indptr = bundle.required("past_indptr", "the ranker")
        n_baskets = max(1, int(past_indptr[bundle.n_trained_users]))
        self.facts = item_facts(bundle, n_baskets)
        counts = bundle.item_count.astype(np.float32)
        self._weight = np.log(n_baskets / np.maximum(counts, 1)).astype(np.float32)
        self._item_count = bundle.item_count
        self._neighbours = (
            bundle.required("neighbour_indptr", "the ranker"),
            bundle.required("neighbour_item", "the ranker"),
            bundle.required("neighbour_count", "the ranker"),
            _neighbour_weight(bundle),
        )
        self._back = _weights_back(bundle)
        self._subcategory = np.ascontiguousarray(self.facts["subcategory"])
        self._n_subcategories = int(self._subcategory.max()) + 1
        self._as_of = bundle.manifest.cut_s
        self._scratch = _Scratch(len(bundle.catalogue))

    @contextmanager
    def evidence(self, profile: Profile | None, basket: Int32) -> Iterator[Evidence]:
        """Sums over the user's past and the basket's neighbours; valid inside the block."""
        scratch = self._scratch
        subcategory_sums = np.zeros(self._n_subcategories, SUBCATEGORY_SUMS)
        past_sums = np.zeros(1, PAST_SUMS)
        subcategory_sums["in_basket"][self._subcategory[basket]] = True
        begun = profile.past_begun if profile else _NO_BASKETS
        # Ages count from the build, or from the user's last basket if that is later.
        as_of = max(self._as_of, int(begun[-1])) if len(begun) else self._as_of
        rows = past_rows = 1
        scratch.in_basket[basket] = True
        try:
            rows = past_rows = add_past_baskets(
                scratch.in_basket,
                len(basket),
                as_of,
                begun,
                profile.past_indptr if profile else _NO_BASKETS,
                profile.past_items if profile else _NO_ITEMS,
                self._weight,
                self._subcategory,
                scratch.row_of,
                scratch.items,
                scratch.sums,
                subcategory_sums,
                past_sums,
            )
            past = slice(1, past_rows)
            scratch.recency[scratch.items[past]] = scratch.sums["recency_60d"][past]
            rows = add_neighbours(
                basket,
                *self._neighbours,
                self._item_count,
                _SHRINKAGE,
                rows,
                scratch.row_of,
                scratch.items,
                scratch.sums,
            )
            yield Evidence(
                self.facts,
                basket,
                scratch.row_of,
                scratch.recency,
                scratch.items[:rows],
                scratch.sums[:rows],
                subcategory_sums,
                past_sums,
                self._back,
            )
        finally:
            clear(scratch.row_of, scratch.items[1:rows])
            scratch.recency[scratch.items[1:past_rows]] = 0
            scratch.in_basket[basket] = False


def _weights_back(bundle: Bundle) -> tuple[Int64, Int32, Float32]:
    """What neighbours add to the prediction of each item; no neighbours in an older bundle."""
    if bundle.neighbour_weight_back is None:
        indptr = read_only(np.zeros(len(bundle.catalogue) + 1, np.int64))
        return indptr, _NO_ITEMS, read_only(np.empty(0, np.float32))
    return (
        bundle.required("neighbour_indptr", "the ranker"),
        bundle.required("neighbour_item", "the ranker"),
        bundle.neighbour_weight_back,
    )


def _neighbour_weight(bundle: Bundle) -> Float32:
    """The weight of each neighbour; 0 for all of an older bundle, whose trees do not ask for it."""
    if bundle.neighbour_weight is not None:
        return bundle.neighbour_weight
    pairs = bundle.required("neighbour_item", "the ranker")
    return read_only(np.zeros(len(pairs), np.float32))
