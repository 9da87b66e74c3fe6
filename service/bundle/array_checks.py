"""Checks of a bundle's arrays against their declarations, before any request reads them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, NamedTuple, NoReturn, Self, get_args

import numpy as np
import numpy.typing as npt

from service.bundle.errors import BundleInvalidError

_Array = npt.NDArray[Any]

_PIECE = 1 << 22  # values


class Context(NamedTuple):
    """All arrays of a bundle and the lengths of their axes, by name."""

    arrays: Mapping[str, _Array]
    lengths: Mapping[str, int]


Check = Callable[[_Array, Context], str | None]
"""A condition on the values of an array; returns what it expects if the array does not meet it."""


@dataclass(frozen=True)
class Between:
    """Numbers from `low`, or above it, to `high`, or to the last index of an axis of that name."""

    low: float
    high: float | str = np.inf
    excluding_low: bool = False

    def __call__(self, array: _Array, context: Context) -> str | None:
        """See `Check`."""
        high = context.lengths[self.high] - 1 if isinstance(self.high, str) else self.high
        is_low = np.less_equal if self.excluding_low else np.less
        if not array.size or not (is_low(array.min(), self.low) or array.max() > high):
            return None
        return f"numbers {'above' if self.excluding_low else 'from'} {self.low} to {high}"


@dataclass(frozen=True)
class Offsets:
    """Where each row begins in an axis, and the end of the last one."""

    axis: str

    def __call__(self, array: _Array, context: Context) -> str | None:
        """See `Check`."""
        end = context.lengths[self.axis]
        # Not by differences, which overflow.
        rise = array[0] == 0 and array[-1] == end and (array[1:] >= array[:-1]).all()
        return None if rise else f"offsets that rise from 0 to {end}"


@dataclass(frozen=True)
class Ascending:
    """Values that ascend in each row of some offsets; a row is a `noun`."""

    offsets: str
    noun: str
    repeated: bool = False

    def __call__(self, array: _Array, context: Context) -> str | None:
        """See `Check`."""
        starts = context.arrays[self.offsets]
        falls_after = np.less if self.repeated else np.less_equal
        for begin, piece in zip(range(0, len(array), _PIECE), _pieces(array, 1), strict=False):
            fallen = np.flatnonzero(falls_after(piece[1:], piece[:-1])) + begin + 1
            row = np.searchsorted(starts, fallen, side="right") - 1
            wrong = starts[row] < fallen  # those that are not the first of their row
            if wrong.any():
                return f"ascending values for {self.noun} {row[wrong.argmax()]}"
        return None


@dataclass(frozen=True)
class FiledByLast:
    """Lines whose largest value is their row in some offsets."""

    offsets: str

    def __call__(self, array: _Array, context: Context) -> str | None:
        """See `Check`."""
        row = _rows(context.arrays[self.offsets])
        return None if (array.max(axis=1, initial=-1) == row).all() else "lines filed by last item"


@dataclass(frozen=True)
class Children:
    """Children of tree nodes come after their parents, so that each walk ends at a leaf.

    Nodes with -1 in the array `feature` are leaves; their values here do not matter.
    """

    feature: str

    def __call__(self, array: _Array, context: Context) -> str | None:
        """See `Check`."""
        inner = np.flatnonzero(context.arrays[self.feature] >= 0)
        later = ((array[inner] > inner) & (array[inner] < len(array))).all()
        return None if later else f"nodes after their own, up to {len(array) - 1}"


@dataclass(frozen=True)
class AtLeastOne:
    """One line or more."""

    def __call__(self, array: _Array, _context: Context) -> str | None:
        """See `Check`."""
        return None if len(array) else "at least one line"


@dataclass(frozen=True)
class Group:
    """Optional arrays: a bundle has all of a group or none. `needs` names another group."""

    name: str
    needs: str | None = None


class Axes:
    """The length of each axis of an array.

    An integer is a fixed length; a name is the same length in every array; `<name> + 1` and
    `2<name> + 1` are derived from it.
    """

    def __init__(self, *lengths: str | int) -> None:
        self.lengths = lengths


@dataclass(frozen=True)
class Layout:
    """The declaration of an array.

    Attributes:
        dtype: of the values; floats must be finite.
        axes: see `Axes`.
        group: of an optional array; None for one that every bundle has.
        checks: conditions on the values.
    """

    dtype: np.dtype[Any]
    axes: tuple[str | int, ...]
    group: Group | None
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, hint: Any) -> Self:
        """Read the hint `Annotated[<array type>, Axes(…), …]`; a group and checks may follow."""
        array, axes, *rest = get_args(hint)
        if isinstance(array, UnionType):
            array = get_args(array)[0]
        (scalar,) = get_args(get_args(array)[1])
        group = rest.pop(0) if rest and isinstance(rest[0], Group) else None
        return cls(np.dtype(scalar), axes.lengths, group, tuple(rest))


def check_arrays(
    arrays: Mapping[str, _Array],
    layouts: Mapping[str, Layout],
    lengths: Mapping[str, int],
    checked: Collection[str] = (),
) -> None:
    """Refuse arrays that contradict their declarations or each other.

    Args:
        arrays: those that a bundle has, by name.
        layouts: declarations of all that it may have, by name.
        lengths: of the axes that the bundle's tables determine, by name.
        checked: the arrays whose values are known to be right; only their shapes are checked.

    Raises:
        BundleInvalidError: naming the array, what was expected and what was found.
    """
    _check_groups(arrays, layouts)
    check_values(arrays, layouts, lengths, checked)


def check_values(
    arrays: Mapping[str, _Array],
    layouts: Mapping[str, Layout],
    lengths: Mapping[str, int],
    checked: Collection[str] = (),
) -> None:
    """Do the same for some of a bundle's arrays, among which groups need not be complete."""
    context = Context(arrays, _check_shapes(arrays, layouts, lengths))
    unchecked = {name: array for name, array in arrays.items() if name not in checked}
    for name, array in unchecked.items():
        if array.dtype.kind == "f" and not all(np.isfinite(each).all() for each in _pieces(array)):
            raise BundleInvalidError(f"{name}.npy", "finite numbers", "NaN or infinity")
    for name, array in unchecked.items():
        for check in layouts[name].checks:
            if (expected := check(array, context)) is not None:
                found = f"numbers from {array.min()} to {array.max()}" if array.size else "none"
                raise BundleInvalidError(f"{name}.npy", expected, found)


def _check_groups(arrays: Mapping[str, _Array], layouts: Mapping[str, Layout]) -> None:
    groups: dict[Group, set[str]] = {}
    for name, layout in layouts.items():
        if layout.group is not None:
            groups.setdefault(layout.group, set()).add(name)
    present = {group.name for group, names in groups.items() if names <= arrays.keys()}
    for group, names in groups.items():
        if names & arrays.keys() and group.name not in present:
            expected = f"all of {', '.join(sorted(names))}, or none"
            found = f"no {', '.join(sorted(names - arrays.keys()))}"
            raise BundleInvalidError("arrays", expected, found)
        if group.name in present and group.needs is not None and group.needs not in present:
            expected = f"the arrays of {group.needs} beside those of {group.name}"
            raise BundleInvalidError("arrays", expected, f"those of {group.name} alone")


def _check_shapes(
    arrays: Mapping[str, _Array], layouts: Mapping[str, Layout], lengths: Mapping[str, int]
) -> dict[str, int]:
    """Check dtypes and shapes; return the lengths of all axes by name."""
    lengths = dict(lengths)
    for name, array in arrays.items():
        layout = layouts[name]
        if (array.dtype, array.ndim) != (layout.dtype, len(layout.axes)):
            _refuse(name, array, layout)
        for axis, length in zip(layout.axes, array.shape, strict=True):
            if isinstance(axis, str) and axis.isidentifier():
                lengths.setdefault(axis, length)
    for name, array in arrays.items():
        shape = tuple(_length(axis, lengths) for axis in layouts[name].axes)
        if array.shape != shape:
            _refuse(name, array, layouts[name], f" = {shape}")
    return lengths


def _refuse(name: str, array: _Array, layout: Layout, shape: str = "") -> NoReturn:
    expected = f"{layout.dtype} of shape ({', '.join(map(str, layout.axes))}){shape}"
    found = f"{array.dtype} of shape {array.shape}"
    raise BundleInvalidError(f"{name}.npy", expected, found)


def _length(axis: str | int, lengths: Mapping[str, int]) -> int:
    """Return the length of an axis (see `Axes`)."""
    if isinstance(axis, int):
        return axis
    if axis in lengths:
        return lengths[axis]
    named = axis.removesuffix(" + 1")
    factor = 2 if named.startswith("2") else 1
    return factor * lengths[named.removeprefix("2")] + (named != axis)


def _pieces(array: _Array, overlap: int = 0) -> Iterator[_Array]:
    """Yield pieces of an array, so that what is made of one takes little memory."""
    length = max(1, _PIECE // max(1, array[:1].size))
    return (array[start : start + length + overlap] for start in range(0, len(array), length))


def _rows(offsets: _Array) -> _Array:
    """Return the row of each entry."""
    return np.arange(len(offsets) - 1).repeat(offsets[1:] - offsets[:-1])
