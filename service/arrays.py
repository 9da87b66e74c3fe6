"""The arrays of a bundle: one field each, stored as `<field>.npy`, read by memory map.

To add one, add a field; an optional one if bundles written before it lack it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from service.bundle_errors import BundleInvalidError
from service.manifest import ArrayFacts

__all__ = ["Arrays", "needed", "read_arrays", "write_arrays"]

_Number = TypeVar("_Number", bound=np.generic)

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


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

    The rest is there for the ranker. The past of user u is the baskets `past_indptr[u]:past_indptr
    [u + 1]`, oldest first: their start in epoch seconds, and by `past_item_indptr` their items.
    Row i of the neighbours is the items most often bought together with item i, and the number of
    baskets that hold both. item_trend is the log popularity of the last 7, 14, 30 and 90 days;
    item_rhythm tells who buys an item and how often (see `index_builder.pasts.rhythm`).
    The trees are described in `service.trees`; those of the basket score and of the population
    score share their nodes.
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
        self._check_layouts(n_items, n_users)
        for name, array in self.present().items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise BundleInvalidError(f"{name}.npy", "finite numbers", "NaN or infinity")
        if not len(self.recall_queries):
            raise BundleInvalidError("recall_queries.npy", "at least one query", "none")
        self._check_groups()
        for starts, rows in _OFFSETS.items():
            self._check_offsets(starts, rows)
        for name in ("history_item", "past_item", "neighbour_item"):
            self._check_range(name, 0, n_items)
        self._check_range("closest_item", -1, n_items)
        self._check_history()
        self._check_trees("tree", "tree_root")
        self._check_trees("score", "score_root", "score_population_root")

    def _check_groups(self) -> None:
        present = set(self.present())
        for group in _GROUPS.values():
            if group & present and group - present:
                expected = f"all of {', '.join(sorted(group))}, or none"
                raise BundleInvalidError("arrays", expected, f"no {', '.join(group - present)}")
        if present & (_GROUPS["trees"] | _GROUPS["score"]) and not present >= _GROUPS["past"]:
            raise BundleInvalidError("arrays", "what the trees' features need", "only the trees")
        if present >= _GROUPS["past"]:
            self._check_range("item_count", 1, np.iinfo(np.int32).max)

    def _check_offsets(self, name: str, rows: str) -> None:
        starts, counted = self.present().get(name), self.present().get(rows)
        if starts is None or counted is None:
            return
        if starts[0] != 0 or starts[-1] != len(counted) or (np.diff(starts) < 0).any():
            expected = f"offsets that rise from 0 to {len(counted)}"
            found = f"{starts[0]} to {starts[-1]}, or a fall between them"
            raise BundleInvalidError(f"{name}.npy", expected, found)

    def _check_range(self, name: str, low: int, high: int) -> None:
        array = self.present().get(name)
        if array is not None and len(array) and not low <= array.min() <= array.max() < high:
            expected = f"numbers from {low} to {high - 1}"
            raise BundleInvalidError(f"{name}.npy", expected, f"{array.min()} to {array.max()}")

    def _check_trees(self, group: str, *roots: str) -> None:
        """Every step leads on to a later node, so that each walk ends at a leaf."""
        arrays = self.present()
        if f"{group}_feature" not in arrays:
            return
        feature = arrays[f"{group}_feature"]
        nodes = len(feature)
        for name in roots:
            self._check_range(name, 0, nodes)
        self._check_range(f"{group}_feature", -1, np.iinfo(np.int32).max)
        inner = np.flatnonzero(feature >= 0)
        for name in (f"{group}_left", f"{group}_right"):
            below = arrays[name][inner]
            if ((below <= inner) | (below >= nodes)).any():
                expected = f"nodes after their own, up to {nodes - 1}"
                raise BundleInvalidError(f"{name}.npy", expected, "others")

    def _check_layouts(self, n_items: int, n_users: int) -> None:
        width = 2 * self.user_h.shape[-1] + 1
        lengths = {"items": n_items, "users": n_users, "2d + 1": width, "4 windows": 4}
        lengths |= {"items + 1": n_items + 1, "users + 1": n_users + 1}
        layouts = {spec.name: spec.metadata for spec in fields(Arrays)}
        for name, array in self.present().items():
            axes, dtype = layouts[name]["axes"], layouts[name]["dtype"]
            known = array.shape if array.ndim == len(axes) else (None,) * len(axes)
            shape = tuple(lengths.setdefault(a, n) for a, n in zip(axes, known, strict=True))
            if (array.dtype, array.shape) != (dtype, shape):
                expected = f"{dtype} of shape ({', '.join(axes)}) = {shape}"
                found = f"{array.dtype} of shape {array.shape}"
                raise BundleInvalidError(f"{name}.npy", expected, found)

    def _check_history(self) -> None:
        starts, items = self.history_indptr, self.history_item
        user = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        falls = (np.diff(items) <= 0) & (np.diff(user) == 0)
        if falls.any():
            found = f"disorder in user {user[falls.argmax()]}"
            raise BundleInvalidError("history_item.npy", "ascending items per user", found)


_OFFSETS = {
    "history_indptr": "history_item",
    "past_indptr": "past_begun",
    "past_item_indptr": "past_item",
    "neighbour_indptr": "neighbour_item",
}
_GROUPS = {
    group: {spec.name for spec in fields(Arrays) if spec.metadata["group"] == group}
    for group in ("closest", "past", "score", "trees")
}


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
