"""What must hold between the arrays of a bundle, so that no request can trip over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from service.bundle.errors import BundleInvalidError

__all__ = ["Layout", "check_arrays"]

_Arrays = Mapping[str, npt.NDArray[Any]]

_OFFSETS = {
    "history_indptr": "history_item",
    "past_indptr": "past_begun",
    "past_item_indptr": "past_item",
    "neighbour_indptr": "neighbour_item",
    "rule_indptr": "rule_consequent",
    "substitute_indptr": "substitute_item",
}
_ITEMS = ("history_item", "past_item", "neighbour_item", "rule_consequent", "substitute_item")
_MOMENTS = ("history_last", "past_begun")
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799  # the years 1 to 9999, in epoch seconds
_TREES = {"tree": ("tree_root",), "score": ("score_root", "score_population_root")}


@dataclass(frozen=True)
class Layout:
    """The dtype of an array, the names of its axes, and the group that it is optional with."""

    dtype: np.dtype[Any]
    axes: tuple[str, ...]
    group: str


def check_arrays(
    arrays: _Arrays, layouts: Mapping[str, Layout], n_items: int, n_users: int
) -> None:
    """Refuse arrays that contradict each other or the two tables.

    Args:
        arrays: those that a bundle has, by name.
        layouts: of all that it may have.
        n_items: rows of the catalogue.
        n_users: rows of the users.

    Raises:
        BundleInvalidError: naming the array, what was expected and what was found.
    """
    _check_layouts(arrays, layouts, n_items, n_users)
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BundleInvalidError(f"{name}.npy", "finite numbers", "NaN or infinity")
    if not len(arrays["recall_queries"]):
        raise BundleInvalidError("recall_queries.npy", "at least one query", "none")
    _check_groups(arrays, layouts)
    for starts, rows in _OFFSETS.items():
        if starts in arrays:
            _check_offsets(arrays, starts, rows)
    for name in _ITEMS:
        _check_range(arrays, name, 0, n_items)
    _check_range(arrays, "closest_item", -1, n_items)
    for name in _MOMENTS:
        _check_range(arrays, name, _FIRST_S, _LAST_S + 1)
    _check_history(arrays)
    if "rule_indptr" in arrays:
        _check_rules(arrays)
    for trees, roots in _TREES.items():
        if f"{trees}_feature" in arrays:
            _check_trees(arrays, trees, roots)


def _check_layouts(
    arrays: _Arrays, layouts: Mapping[str, Layout], n_items: int, n_users: int
) -> None:
    width = 2 * arrays["user_h"].shape[-1] + 1
    lengths = {"items": n_items, "users": n_users, "2d + 1": width, "4 windows": 4, "4 parts": 4}
    lengths |= {"items + 1": n_items + 1, "users + 1": n_users + 1}
    for name, array in arrays.items():
        axes, dtype = layouts[name].axes, layouts[name].dtype
        known = array.shape if array.ndim == len(axes) else (None,) * len(axes)
        shape = tuple(lengths.setdefault(a, n) for a, n in zip(axes, known, strict=True))
        if (array.dtype, array.shape) != (dtype, shape):
            expected = f"{dtype} of shape ({', '.join(axes)}) = {shape}"
            found = f"{array.dtype} of shape {array.shape}"
            raise BundleInvalidError(f"{name}.npy", expected, found)


def _check_groups(arrays: _Arrays, layouts: Mapping[str, Layout]) -> None:
    groups: dict[str, set[str]] = {}
    for name, layout in layouts.items():
        if layout.group:
            groups.setdefault(layout.group, set()).add(name)
    for group in groups.values():
        if group & arrays.keys() and group - arrays.keys():
            expected = f"all of {', '.join(sorted(group))}, or none"
            found = f"no {', '.join(group - arrays.keys())}"
            raise BundleInvalidError("arrays", expected, found)
    has_past = arrays.keys() >= groups["past"]
    if arrays.keys() & (groups["trees"] | groups["score"]) and not has_past:
        raise BundleInvalidError("arrays", "what the trees' features need", "only the trees")
    if has_past:
        _check_range(arrays, "item_count", 1, np.iinfo(np.int32).max)


def _check_offsets(arrays: _Arrays, name: str, rows: str) -> None:
    starts, n = arrays[name], len(arrays[rows])
    if starts[0] != 0 or starts[-1] != n or (np.diff(starts) < 0).any():
        expected = f"offsets that rise from 0 to {n}"
        found = f"{starts[0]} to {starts[-1]}, or a fall between them"
        raise BundleInvalidError(f"{name}.npy", expected, found)


def _check_range(arrays: _Arrays, name: str, low: int, high: int) -> None:
    array = arrays.get(name)
    if array is not None and len(array) and not low <= array.min() <= array.max() < high:
        expected = f"numbers from {low} to {high - 1}"
        raise BundleInvalidError(f"{name}.npy", expected, f"{array.min()} to {array.max()}")


def _check_history(arrays: _Arrays) -> None:
    starts, items = arrays["history_indptr"], arrays["history_item"]
    user = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    falls = (np.diff(items) <= 0) & (np.diff(user) == 0)
    if falls.any():
        found = f"disorder in user {user[falls.argmax()]}"
        raise BundleInvalidError("history_item.npy", "ascending items per user", found)


def _check_rules(arrays: _Arrays) -> None:
    """Every antecedent is filed under its last item, and no measure is beyond its bounds."""
    antecedent = arrays["rule_antecedent"]
    filed = np.repeat(np.arange(len(arrays["item_count"])), np.diff(arrays["rule_indptr"]))
    _check_range(arrays, "rule_antecedent", -1, len(arrays["item_count"]))
    if (antecedent.max(axis=1, initial=-1) != filed).any():
        raise BundleInvalidError("rule_antecedent.npy", "rules filed by last item", "others")
    for name in ("rule_support", "rule_confidence"):
        if ((arrays[name] <= 0) | (arrays[name] > 1)).any():
            raise BundleInvalidError(f"{name}.npy", "shares above 0, up to 1", "others")
    if (arrays["rule_lift"] <= 0).any():
        raise BundleInvalidError("rule_lift.npy", "lifts above 0", "others")


def _check_trees(arrays: _Arrays, group: str, roots: tuple[str, ...]) -> None:
    """Every step leads on to a later node, so that each walk ends at a leaf."""
    feature = arrays[f"{group}_feature"]
    nodes = len(feature)
    for name in roots:
        _check_range(arrays, name, 0, nodes)
    _check_range(arrays, f"{group}_feature", -1, np.iinfo(np.int32).max)
    inner = np.flatnonzero(feature >= 0)
    for name in (f"{group}_left", f"{group}_right"):
        below = arrays[name][inner]
        if ((below <= inner) | (below >= nodes)).any():
            expected = f"nodes after their own, up to {nodes - 1}"
            raise BundleInvalidError(f"{name}.npy", expected, "others")
