"""The arrays of a bundle: a field for each, stored as `<field>.npy` and read by memory map.

A new array is a new field, with a group: older bundles lack it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np
import numpy.typing as npt

from service.bundle.array_checks import (
    Ascending,
    AtLeastOne,
    Axes,
    Between,
    Children,
    FiledByLast,
    Group,
    Layout,
    Offsets,
    check_arrays,
)
from service.bundle.errors import BundleInvalidError
from service.bundle.manifest import ArrayFacts
from service.support.arrays.array_types import Float32, Int32, Int64

_CLOSEST, _PAST, _SUBSTITUTES, _RULES = map(Group, ("closest", "past", "substitutes", "rules"))
_TREES, _SCORE, _WEIGHTS = (Group(name, needs="past") for name in ("trees", "score", "weights"))
_LISTED, _BACK = (Group(name, needs="weights") for name in ("closest weights", "back weights"))

_COUNT = Between(1)
_INDEX_OR_NONE = Between(-1)
_ITEM = Between(0, "items")
_ITEM_OR_NONE = Between(-1, "items")
_MOMENT = Between(-62_135_596_800, 253_402_300_799)  # the years 1 to 9999, in epoch seconds
_OLDEST_FIRST = Ascending("past_indptr", "user", repeated=True)
_POSITIVE = Between(0, excluding_low=True)
_SCORE_CHILD = Children("score_feature")
_SCORE_NODE = Between(0, "score_nodes")
_POSITIVE_SHARE = Between(0, 1, excluding_low=True)
_VECTOR = Between(-1e6, 1e6)  # products of two do not overflow


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrays:
    """What a build learned; a row belongs to an item index, or to a user index.

    Vectors: item_vectors is [item_p | item_q | log popularity prior]. item_count is the number of
    training baskets with the item. recall_queries are some real queries, on which the recall of the
    index is measured again after loading.

    Histories: that of user u is rows `history_indptr[u]:history_indptr[u + 1]`, by ascending item
    index: the item, the number of the user's baskets with it, their share of all the user's baskets
    when a basket counts less with age, and the last purchase in epoch seconds.

    Closest items: the best for each item alone by vectors and neighbour weight, best first, -1 at
    the end of short lists, and the neighbour weight of each. list_queries are queries of single
    anchors of real baskets, list_anchor, on which the recall of the lists is measured again after
    loading.

    Past, for the ranker: the baskets of user u are `past_indptr[u]:past_indptr[u + 1]`, oldest
    first: their start in epoch seconds and, by `past_item_indptr`, their items. The neighbours of
    item i are the items most often bought with it, the number of baskets that hold both, and what
    item i adds to the prediction of each from a basket, and each to that of item i.
    item_trend is the log popularity of the last 7, 14, 30 and 90 days; item_rhythm is the log
    number of buyers, purchases per buyer, typical days between them, and share of new buyers.

    Trees: see `service.recommending.ranking.trees`. The basket score and the population score
    share their nodes.

    Substitutes: row i is what can replace item i, best first.

    Association rules: those whose antecedent ends with item i are rows `rule_indptr[i]:
    rule_indptr[i + 1]`: the antecedent, items ascending and then -1, the consequent, and the
    measures. category_lift is how many times more often than by chance two categories share a
    basket, by their codes in the catalogue's taxonomy; -1 where the data are too few.
    """

    item_vectors: Annotated[Float32, Axes("items", "2d + 1"), _VECTOR]
    item_count: Annotated[Int32, Axes("items"), _COUNT]
    user_h: Annotated[Float32, Axes("users", "d"), _VECTOR]
    history_indptr: Annotated[Int64, Axes("users + 1"), Offsets("purchases")]
    history_item: Annotated[Int32, Axes("purchases"), _ITEM, Ascending("history_indptr", "user")]
    history_count: Annotated[Int32, Axes("purchases"), _COUNT]
    history_recency: Annotated[Float32, Axes("purchases"), Between(0, 1)]
    history_last: Annotated[Int64, Axes("purchases"), _MOMENT]
    recall_queries: Annotated[Float32, Axes("queries", "2d + 1"), AtLeastOne()]

    closest_item: Annotated[Int32 | None, Axes("items", "places"), _CLOSEST, _ITEM_OR_NONE] = None
    closest_weight: Annotated[Float32 | None, Axes("items", "places"), _LISTED, _VECTOR] = None
    list_queries: Annotated[Float32 | None, Axes("list_queries", "2d + 1"), _LISTED] = None
    list_anchor: Annotated[Int32 | None, Axes("list_queries"), _LISTED, _ITEM] = None

    past_indptr: Annotated[Int64 | None, Axes("users + 1"), _PAST, Offsets("past_baskets")] = None
    past_begun: Annotated[Int64 | None, Axes("past_baskets"), _PAST, _MOMENT, _OLDEST_FIRST] = None
    past_item_indptr: Annotated[
        Int64 | None, Axes("past_baskets + 1"), _PAST, Offsets("past_lines")
    ] = None
    past_item: Annotated[Int32 | None, Axes("past_lines"), _PAST, _ITEM] = None
    neighbour_indptr: Annotated[Int64 | None, Axes("items + 1"), _PAST, Offsets("pairs")] = None
    neighbour_item: Annotated[Int32 | None, Axes("pairs"), _PAST, _ITEM] = None
    neighbour_count: Annotated[Int32 | None, Axes("pairs"), _PAST, _COUNT] = None
    neighbour_weight: Annotated[Float32 | None, Axes("pairs"), _WEIGHTS, _VECTOR] = None
    neighbour_weight_back: Annotated[Float32 | None, Axes("pairs"), _BACK, _VECTOR] = None
    item_trend: Annotated[Float32 | None, Axes("items", 4), _PAST] = None
    item_rhythm: Annotated[Float32 | None, Axes("items", 4), _PAST] = None

    tree_root: Annotated[Int32 | None, Axes("trees"), _TREES, Between(0, "nodes")] = None
    tree_feature: Annotated[Int32 | None, Axes("nodes"), _TREES, _INDEX_OR_NONE] = None
    tree_threshold: Annotated[Float32 | None, Axes("nodes"), _TREES] = None
    tree_left: Annotated[Int32 | None, Axes("nodes"), _TREES, Children("tree_feature")] = None
    tree_right: Annotated[Int32 | None, Axes("nodes"), _TREES, Children("tree_feature")] = None
    tree_value: Annotated[Float32 | None, Axes("nodes"), _TREES] = None

    score_root: Annotated[Int32 | None, Axes("score_trees"), _SCORE, _SCORE_NODE] = None
    score_population_root: Annotated[
        Int32 | None, Axes("population_trees"), _SCORE, _SCORE_NODE
    ] = None
    score_feature: Annotated[Int32 | None, Axes("score_nodes"), _SCORE, _INDEX_OR_NONE] = None
    score_threshold: Annotated[Float32 | None, Axes("score_nodes"), _SCORE] = None
    score_left: Annotated[Int32 | None, Axes("score_nodes"), _SCORE, _SCORE_CHILD] = None
    score_right: Annotated[Int32 | None, Axes("score_nodes"), _SCORE, _SCORE_CHILD] = None
    score_value: Annotated[Float32 | None, Axes("score_nodes"), _SCORE] = None

    substitute_indptr: Annotated[
        Int64 | None, Axes("items + 1"), _SUBSTITUTES, Offsets("substitutes")
    ] = None
    substitute_item: Annotated[Int32 | None, Axes("substitutes"), _SUBSTITUTES, _ITEM] = None
    substitute_score: Annotated[Float32 | None, Axes("substitutes"), _SUBSTITUTES] = None

    rule_indptr: Annotated[Int64 | None, Axes("items + 1"), _RULES, Offsets("rules")] = None
    rule_antecedent: Annotated[
        Int32 | None, Axes("rules", 4), _RULES, _ITEM_OR_NONE, FiledByLast("rule_indptr")
    ] = None
    rule_consequent: Annotated[Int32 | None, Axes("rules"), _RULES, _ITEM] = None
    rule_support: Annotated[Float32 | None, Axes("rules"), _RULES, _POSITIVE_SHARE] = None
    rule_confidence: Annotated[Float32 | None, Axes("rules"), _RULES, _POSITIVE_SHARE] = None
    rule_lift: Annotated[Float32 | None, Axes("rules"), _RULES, _POSITIVE] = None
    category_lift: Annotated[
        Float32 | None, Axes("categories", "categories"), _RULES, Between(-1)
    ] = None

    @property
    def dimension(self) -> int:
        """The length d of item_p, item_q and user_h."""
        return int(self.user_h.shape[1])

    def present(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that this bundle has, by name."""
        named = ((name, getattr(self, name)) for name in LAYOUTS)
        return {name: array for name, array in named if array is not None}

    def required(self, name: str, by: str) -> npt.NDArray[Any]:
        """Return an optional array that `by` cannot do without.

        Raises:
            BundleInvalidError: the bundle lacks it.
        """
        array: npt.NDArray[Any] | None = getattr(self, name)
        if array is None:
            raise BundleInvalidError(f"{name}.npy", f"an array, since {by} needs it", "none")
        return array

    def check(self, n_items: int, n_users: int, verified: Collection[str] = ()) -> None:
        """Refuse arrays that contradict each other or the two tables.

        Args:
            n_items: number of items.
            n_users: number of users.
            verified: files of the arrays whose values were checked before.

        Raises:
            BundleInvalidError: naming the array, what was expected and what was found.
        """
        arrays = self.present()
        known = {name for name in arrays if f"{name}.npy" in verified}
        check_arrays(arrays, LAYOUTS, {"items": n_items, "users": n_users}, known)


LAYOUTS = {
    name: Layout.of(hint) for name, hint in get_type_hints(Arrays, include_extras=True).items()
}
"""The declaration of each array, by name."""


def write_arrays(directory: Path, arrays: Arrays) -> None:
    """Write the arrays as `<field>.npy`."""
    for name, array in arrays.present().items():
        np.save(directory / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)


def read_arrays(directory: Path, promised: Mapping[str, ArrayFacts]) -> Arrays:
    """Map arrays into memory, read-only; workers on one machine share the pages.

    Args:
        directory: where the files are.
        promised: shape and dtype of each array, by name.

    Raises:
        BundleInvalidError: an array is lacking, unknown, or not as promised.
    """
    required = {name for name, layout in LAYOUTS.items() if layout.group is None}
    if not required <= set(promised) <= LAYOUTS.keys():
        expected, found = ", ".join(sorted(required)), ", ".join(sorted(promised))
        raise BundleInvalidError(f"{directory}, arrays", expected, found)
    return Arrays(**{name: _map(directory / f"{name}.npy", promised[name]) for name in promised})


def _map(path: Path, promised: ArrayFacts) -> npt.NDArray[Any]:
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise BundleInvalidError(path, "a mappable NumPy array", error) from error
    found = ArrayFacts(shape=mapped.shape, dtype=mapped.dtype.name)
    if found != promised:
        raise BundleInvalidError(path, promised, found)
    return np.asarray(mapped)  # a plain array: slicing a memmap object is slow
