"""The arrays of a bundle: one field each, stored as `<field>.npy`, read by memory map.

To add one, add a field; an optional one if bundles written before it lack it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from service.bundle.array_checks import Layout, check_arrays
from service.bundle.errors import BundleInvalidError
from service.bundle.manifest import ArrayFacts
from service.support.array_types import Float32, Int32, Int64

__all__ = ["Arrays", "needed", "read_arrays", "write_arrays"]

_Number = TypeVar("_Number", bound=np.generic)


def _layout(dtype: str, *axes: str, group: str = "") -> dict[str, Any]:
    """Describe one array; axes of the same name have the same length in every array.

    A bundle has all optional arrays of one group, or none.
    """
    return {"dtype": np.dtype(dtype), "axes": axes, "group": group}


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrays:
    """What was learned, row by item index or by user index.

    item_vectors holds [item_p | item_q | log popularity prior]. item_count is the number of
    training baskets with the item.

    The history of user u is rows `history_indptr[u]:history_indptr[u + 1]` of the other history
    arrays, by ascending item index: the item, the user's baskets with it, their share of all the
    user's baskets when each counts less with age, and the last purchase in epoch seconds.

    recall_queries is a sample of real queries on which the index is measured again after loading.
    closest_item lists what the index finds for each item alone, best first, -1 where nothing more.
    Row i of the substitutes is what replaces item i, best first.

    The rest is there for the ranker. The past of user u is the baskets `past_indptr[u]:past_indptr
    [u + 1]`, oldest first: their start in epoch seconds, and by `past_item_indptr` their items.
    Row i of the neighbours is the items most often bought together with item i, and the number of
    baskets that hold both. item_trend is the log popularity of the last 7, 14, 30 and 90 days;
    item_rhythm tells who buys an item and how often.
    The association rules with item i as the last of their antecedent are rows `rule_indptr[i]:
    rule_indptr[i + 1]` of the other rule arrays: antecedents of ascending items, then -1, and what
    follows from them. category_lift is how many times more often than by chance two categories
    share a basket, in the order of `service.bundle.taxonomy`, -1 where there is too little to tell.

    The trees are described in `service.recommending.ranking.trees`; those of the basket score and
    of the population score share their nodes.
    """

    item_vectors: Float32 = field(metadata=_layout("float32", "items", "2d + 1"))
    item_count: Int32 = field(metadata=_layout("int32", "items"))
    user_h: Float32 = field(metadata=_layout("float32", "users", "d"))
    history_indptr: Int64 = field(metadata=_layout("int64", "users + 1"))
    history_item: Int32 = field(metadata=_layout("int32", "purchases"))
    history_count: Int32 = field(metadata=_layout("int32", "purchases"))
    history_recency: Float32 = field(metadata=_layout("float32", "purchases"))
    history_last: Int64 = field(metadata=_layout("int64", "purchases"))
    recall_queries: Float32 = field(metadata=_layout("float32", "queries", "2d + 1"))
    closest_item: Int32 | None = field(
        default=None, metadata=_layout("int32", "items", "places", group="closest")
    )
    past_indptr: Int64 | None = field(
        default=None, metadata=_layout("int64", "users + 1", group="past")
    )
    past_begun: Int64 | None = field(
        default=None, metadata=_layout("int64", "past baskets", group="past")
    )
    past_item_indptr: Int64 | None = field(
        default=None, metadata=_layout("int64", "past baskets + 1", group="past")
    )
    past_item: Int32 | None = field(
        default=None, metadata=_layout("int32", "past lines", group="past")
    )
    neighbour_indptr: Int64 | None = field(
        default=None, metadata=_layout("int64", "items + 1", group="past")
    )
    neighbour_item: Int32 | None = field(
        default=None, metadata=_layout("int32", "pairs", group="past")
    )
    neighbour_count: Int32 | None = field(
        default=None, metadata=_layout("int32", "pairs", group="past")
    )
    item_trend: Float32 | None = field(
        default=None, metadata=_layout("float32", "items", "4 windows", group="past")
    )
    item_rhythm: Float32 | None = field(
        default=None, metadata=_layout("float32", "items", "4 habits", group="past")
    )
    tree_root: Int32 | None = field(default=None, metadata=_layout("int32", "trees", group="trees"))
    tree_feature: Int32 | None = field(
        default=None, metadata=_layout("int32", "nodes", group="trees")
    )
    tree_threshold: Float32 | None = field(
        default=None, metadata=_layout("float32", "nodes", group="trees")
    )
    tree_left: Int32 | None = field(default=None, metadata=_layout("int32", "nodes", group="trees"))
    tree_right: Int32 | None = field(
        default=None, metadata=_layout("int32", "nodes", group="trees")
    )
    tree_value: Float32 | None = field(
        default=None, metadata=_layout("float32", "nodes", group="trees")
    )
    score_root: Int32 | None = field(
        default=None, metadata=_layout("int32", "score trees", group="score")
    )
    score_population_root: Int32 | None = field(
        default=None, metadata=_layout("int32", "population trees", group="score")
    )
    score_feature: Int32 | None = field(
        default=None, metadata=_layout("int32", "score nodes", group="score")
    )
    score_threshold: Float32 | None = field(
        default=None, metadata=_layout("float32", "score nodes", group="score")
    )
    score_left: Int32 | None = field(
        default=None, metadata=_layout("int32", "score nodes", group="score")
    )
    score_right: Int32 | None = field(
        default=None, metadata=_layout("int32", "score nodes", group="score")
    )
    score_value: Float32 | None = field(
        default=None, metadata=_layout("float32", "score nodes", group="score")
    )
    substitute_indptr: Int64 | None = field(
        default=None, metadata=_layout("int64", "items + 1", group="substitutes")
    )
    substitute_item: Int32 | None = field(
        default=None, metadata=_layout("int32", "substitutes", group="substitutes")
    )
    substitute_score: Float32 | None = field(
        default=None, metadata=_layout("float32", "substitutes", group="substitutes")
    )

    rule_indptr: Int64 | None = field(
        default=None, metadata=_layout("int64", "items + 1", group="rules")
    )
    rule_antecedent: Int32 | None = field(
        default=None, metadata=_layout("int32", "rules", "4 parts", group="rules")
    )
    rule_consequent: Int32 | None = field(
        default=None, metadata=_layout("int32", "rules", group="rules")
    )
    rule_support: Float32 | None = field(
        default=None, metadata=_layout("float32", "rules", group="rules")
    )
    rule_confidence: Float32 | None = field(
        default=None, metadata=_layout("float32", "rules", group="rules")
    )
    rule_lift: Float32 | None = field(
        default=None, metadata=_layout("float32", "rules", group="rules")
    )
    category_lift: Float32 | None = field(
        default=None, metadata=_layout("float32", "categories", "categories", group="rules")
    )

    @property
    def dimension(self) -> int:
        """The length d of item_p, item_q and user_h."""
        return int(self.user_h.shape[1])

    def present(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name, without the optional ones that this bundle lacks."""
        named = {spec.name: getattr(self, spec.name) for spec in fields(Arrays)}
        return {name: array for name, array in named.items() if array is not None}

    def check(self, n_items: int, n_users: int) -> None:
        """Refuse arrays that contradict each other or the two tables.

        Raises:
            BundleInvalidError: naming the array, what was expected and what was found.
        """
        layouts = {spec.name: Layout(**spec.metadata) for spec in fields(Arrays)}
        check_arrays(self.present(), layouts, n_items, n_users)


def needed(array: npt.NDArray[_Number] | None) -> npt.NDArray[_Number]:
    """Return an optional array of a bundle in a place where it has to be there.

    Raises:
        BundleInvalidError: it is not.
    """
    if array is None:
        raise BundleInvalidError("manifest.json", "all arrays of the ranker", "some of them")
    view = array.view()
    view.flags.writeable = False  # as the mapped ones are: compiled loops come in one kind
    return view


def write_arrays(directory: Path, arrays: Arrays) -> None:
    """Write every array that is there as `<field>.npy`."""
    for name, array in arrays.present().items():
        np.save(directory / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)


def read_arrays(directory: Path, promised: Mapping[str, ArrayFacts]) -> Arrays:
    """Map the promised arrays into memory, read-only: workers on one machine share their pages.

    Raises:
        BundleInvalidError: a promise of too few arrays or of unknown ones, or one not kept.
    """
    known = {spec.name for spec in fields(Arrays)}
    required = {spec.name for spec in fields(Arrays) if spec.default is not None}
    if not required <= set(promised) <= known:
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
    return np.asarray(mapped)  # a plain array over the map: slicing a memmap object is slow
