"""Each array of a bundle is refused when it is not what its field declares."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from service.bundle.array_checks import (
    Ascending,
    AtLeastOne,
    Between,
    Check,
    Children,
    FiledByLast,
    Group,
    Offsets,
    check_arrays,
)
from service.bundle.arrays import LAYOUTS
from service.bundle.errors import BundleInvalidError

LENGTHS = {"items": 3, "users": 2}
VALUES: dict[str, Any] = {
    "item_vectors": [[0, 0, -1], [0, 0, -2], [0, 0, -3]],
    "item_count": [3, 2, 1],
    "user_h": [[1], [2]],
    "history_indptr": [0, 2, 3],
    "history_item": [0, 2, 1],
    "history_count": [1, 1, 1],
    "history_recency": [1, 0.5, 0],
    "history_last": [0, 10, 20],
    "recall_queries": [[1, 1, 1]],
    "closest_item": [[1], [0], [-1]],
    "closest_weight": [[0.5], [-0.5], [0]],
    "list_queries": [[1, 1, 1]],
    "list_anchor": [2],
    "past_indptr": [0, 2, 3],
    "past_begun": [0, 10, 20],
    "past_item_indptr": [0, 1, 2, 3],
    "past_item": [0, 2, 1],
    "neighbour_indptr": [0, 1, 2, 2],
    "neighbour_item": [1, 0],
    "neighbour_count": [1, 1],
    "neighbour_weight": [0.5, -0.5],
    "neighbour_weight_back": [-0.5, 0.5],
    "item_trend": [[-1] * 4] * 3,
    "item_rhythm": [[1] * 4] * 3,
    "tree_root": [0],
    "tree_feature": [0, -1, -1],
    "tree_threshold": [0.5, 0, 0],
    "tree_left": [1, 0, 0],
    "tree_right": [2, 0, 0],
    "tree_value": [0, 1, -1],
    "score_root": [0],
    "score_population_root": [1],
    "score_feature": [0, -1, -1],
    "score_threshold": [0.5, 0, 0],
    "score_left": [1, 0, 0],
    "score_right": [2, 0, 0],
    "score_value": [0, 1, -1],
    "substitute_indptr": [0, 1, 1, 1],
    "substitute_item": [1],
    "substitute_score": [0.5],
    "rule_indptr": [0, 1, 2, 2],
    "rule_antecedent": [[0, -1, -1, -1], [0, 1, -1, -1]],
    "rule_consequent": [1, 2],
    "rule_support": [0.5, 0.5],
    "rule_confidence": [1, 0.5],
    "rule_lift": [2, 0.5],
    "category_lift": [[-1, 2], [2, -1]],
}
"""Of three items, two users, vectors of one dimension and two categories."""

Array = npt.NDArray[Any]
ARRAYS = {name: np.array(values, LAYOUTS[name].dtype) for name, values in VALUES.items()}
NAMES = sorted(LAYOUTS)


def check(arrays: dict[str, Array]) -> None:
    check_arrays(arrays, LAYOUTS, LENGTHS)


def refused(name: str, array: Array) -> None:
    with pytest.raises(BundleInvalidError, match=rf"^{name}\.npy: expected "):
        check(ARRAYS | {name: array})


def test_these_are_all_arrays_and_they_are_as_declared() -> None:
    assert sorted(ARRAYS) == NAMES
    check(ARRAYS)


@pytest.mark.parametrize("name", NAMES)
def test_another_dtype_or_number_of_axes_is_refused(name: str) -> None:
    refused(name, ARRAYS[name].astype(np.float16))
    refused(name, ARRAYS[name][..., None])


def is_free(name: str, axis: str | int) -> bool:
    """Whether nothing else in the bundle depends on the length."""
    others = [layout.axes for other, layout in LAYOUTS.items() if other != name]
    used = {str(each).removesuffix(" + 1") for axes in others for each in axes}
    for rule in [rule for layout in LAYOUTS.values() for rule in layout.checks]:
        match rule:
            case Offsets(axis=name) | Between(high=str(name)):
                used.add(name)
    return axis not in used | {"d"} and str(axis).isidentifier()


@pytest.mark.parametrize("name", NAMES)
def test_an_axis_of_another_length_is_refused(name: str) -> None:
    for number, axis in enumerate(LAYOUTS[name].axes):
        longer = np.concatenate([ARRAYS[name], ARRAYS[name].take([-1], number)], axis=number)
        shorter = ARRAYS[name].take(range(ARRAYS[name].shape[number] - 1), number)
        for array in (longer, shorter):
            if is_free(name, axis):
                continue
            with pytest.raises(BundleInvalidError):
                check(ARRAYS | {name: array})


def changed(array: Array, place: int, value: float) -> Array:
    array = array.copy()
    array.flat[place] = value
    return array


def wrong(rule: Check, array: Array) -> Iterator[Array]:
    """The array with values that a check is there to find."""
    match rule:
        case Between():
            yield changed(array, -1, rule.low if rule.excluding_low else rule.low - 1)
            if isinstance(rule.high, str):
                yield changed(array, 0, (LENGTHS | {"nodes": 3, "score_nodes": 3})[rule.high])
            elif np.isfinite(rule.high):
                yield changed(array, -1, rule.high + 1)
        case Offsets():
            yield changed(array, 0, -1)
            yield changed(array, 1, array[-1] + 1)
            yield changed(array, -1, array[-1] + 1)
            if len(array) > 3:  # the differences overflow
                yield changed(changed(array, 1, np.iinfo(np.int64).max), 2, -2)
        case Ascending():  # the first row has two lines
            yield array[[1, 0, 2]]
            if not rule.repeated:
                yield array[[0, 0, 2]]
        case FiledByLast():
            yield array[::-1]
        case Children():
            yield changed(array, 0, 0)
            yield changed(array, 0, len(array))
        case AtLeastOne():
            yield array[:0]
        case _:
            pytest.fail(f"no wrong values for {rule}")


@pytest.mark.parametrize("name", NAMES)
def test_values_that_break_a_check_are_refused(name: str) -> None:
    for rule in LAYOUTS[name].checks:
        for array in wrong(rule, ARRAYS[name]):
            refused(name, array)


@pytest.mark.parametrize("name", NAMES)
def test_integers_have_a_range_and_other_numbers_are_finite(name: str) -> None:
    if LAYOUTS[name].dtype.kind == "i":
        assert LAYOUTS[name].checks
    else:
        refused(name, changed(ARRAYS[name], 0, np.nan))
        refused(name, changed(ARRAYS[name], 0, np.inf))


def depends(group: Group | None, on: Group) -> bool:
    """Whether a group needs another, or one that does."""
    if group is None or group.needs is None:
        return False
    needed = {layout.group for layout in LAYOUTS.values()} - {None}
    (needs,) = (each for each in needed if each is not None and each.name == group.needs)
    return needs == on or depends(needs, on)


@pytest.mark.parametrize("name", NAMES)
def test_optional_arrays_come_with_their_group_or_not_at_all(name: str) -> None:
    group = LAYOUTS[name].group
    if group is None:
        return
    members = {each for each, layout in LAYOUTS.items() if layout.group == group}
    dependent = {each for each, layout in LAYOUTS.items() if depends(layout.group, group)}
    rest = {each: array for each, array in ARRAYS.items() if each not in members | dependent}
    check(rest)
    if len(members) > 1:
        with pytest.raises(BundleInvalidError, match=f"found no .*{name}"):
            check(rest | {each: ARRAYS[each] for each in members - {name}})
    if dependent:
        with pytest.raises(BundleInvalidError, match=f"arrays of {group.name}"):
            check(rest | {each: ARRAYS[each] for each in dependent})
