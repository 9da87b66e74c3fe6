"""What the ranker knows of all items, the same for all requests."""

from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from service.recommending.ranking.features import POSITIONS
from service.recommending.ranking.item_facts import FACTS
from service.support.arrays.array_types import Float32, Int32, Int64, Records
from service.support.arrays.read_only import read_only
from service.support.compiled.layout import Layout


class Known(NamedTuple):
    """What is known of all items and is the same for all requests; arrays are read-only.

    Attributes:
        facts: (n_items,) of FACTS.
        weight: (n_items,) float32, inverse document frequency: log of all baskets over those with
            the item.
        item_count: (n_items,) int32, baskets with the item.
        subcategory: (n_items,) int32.
        indptr: (n_items + 1,) int64, offsets into the arrays of neighbours.
        neighbour: (pairs,) int32, items bought together with each item.
        counts: (pairs,) int32, baskets that hold both.
        added: (pairs,) float32, what the item adds to the prediction of its neighbour.
        back: offsets, neighbours, and what each of these adds to the prediction of the item.
        positions: POSITIONS.
        n_subcategories: their number.
        as_of: epoch seconds of the build, from which ages count.
    """

    facts: Annotated[Records, Layout(dtype=FACTS)]
    weight: Float32
    item_count: Int32
    subcategory: Int32
    indptr: Int64
    neighbour: Int32
    counts: Int32
    added: Float32
    back: tuple[Int64, Int32, Float32]
    positions: Annotated[Records, Layout(dtype=POSITIONS.dtype)]
    n_subcategories: int
    as_of: int


def _none(dtype: npt.DTypeLike) -> Any:
    return read_only(np.empty(0, dtype))


NOTHING_KNOWN = Known(
    facts=_none(FACTS),
    weight=_none(np.float32),
    item_count=_none(np.int32),
    subcategory=_none(np.int32),
    indptr=_none(np.int64),
    neighbour=_none(np.int32),
    counts=_none(np.int32),
    added=_none(np.float32),
    back=(_none(np.int64), _none(np.int32), _none(np.float32)),
    positions=_none(POSITIONS.dtype),
    n_subcategories=0,
    as_of=0,
)
