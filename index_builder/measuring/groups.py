"""Groups of baskets by one number, such as their size."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.support.arrays.array_types import Bool


@dataclass(frozen=True, eq=False)
class Group:
    """Baskets whose number lies within limits.

    Attributes:
        label: the limits, e.g. "4–6".
        members: (n,) bool.
    """

    label: str
    members: Bool


def quantile_groups(values: npt.NDArray[np.integer], count: int = 6) -> list[Group]:
    """Splits baskets into groups of about the same size; equal numbers stay together.

    Args:
        values: (n,) the number of each basket.
        count: at most so many groups.

    Returns:
        The groups in ascending order, none of them empty.
    """
    quantiles = np.quantile(values, np.arange(1, count) / count, method="inverted_cdf")
    edges = np.unique(quantiles)  # each the last number of its group
    group = np.searchsorted(edges, values)
    groups = [group == each for each in np.unique(group)]
    return [Group(_label(values[members]), members) for members in groups]


def _label(values: npt.NDArray[np.integer]) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,}\N{EN DASH}{high:,}"
