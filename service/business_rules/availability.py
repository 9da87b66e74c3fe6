"""Availability: which items are in stock in which store."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from service.business_rules.errors import Mistake, RulesError
from service.support.array_types import Bool, UInt8

_COLUMNS = ["store_id", "item_id"]


class Availability:
    """The items in stock in each store, one bit for each.

    Attributes:
        stores: the ids of the stores.
    """

    def __init__(self, packed: Mapping[str, UInt8], n_items: int) -> None:
        self._packed = packed
        self._n_items = n_items
        self.stores = frozenset(packed)

    def in_stock(self, store_id: str) -> Bool:
        """Which items are in stock in one of `stores`, shape (n_items,)."""
        return np.unpackbits(self._packed[store_id], count=self._n_items).view(np.bool_)


def read_availability(content: bytes, index: Mapping[str, int], source: str) -> Availability:
    """Reads a file of availability.

    Args:
        content: of a Parquet file with the columns store_id and item_id, strings or integers, and
            a row for each item that a store has. Items outside the catalogue are ignored.
        index: item index by item id.
        source: the name of the file in errors.

    Raises:
        RulesError: the file has another form.
    """
    from pyarrow import parquet  # a third of a second, only needed for such a file

    try:
        table = parquet.read_table(pa.BufferReader(content), columns=_COLUMNS)
        stores, items = (pc.cast(table[name], pa.string()) for name in _COLUMNS)
    except (pa.ArrowException, OSError, KeyError) as error:
        expected = f"expected a Parquet file with the columns {' and '.join(_COLUMNS)}"
        message = f"{expected}, found: {str(error).splitlines()[0]}"
        raise RulesError(source, [Mistake(None, message)]) from error
    if not len(stores) or stores.null_count or items.null_count:
        message = "expected a row for each item in stock, without nulls"
        found = "none" if not len(stores) else "nulls"
        raise RulesError(source, [Mistake(None, f"{message}, found {found}")])
    named = stores.combine_chunks().dictionary_encode()
    rows = pc.fill_null(pc.index_in(items, pa.array(index, pa.string())), -1).to_numpy()
    codes = named.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    borders = np.searchsorted(codes[order], np.arange(len(named.dictionary) + 1))
    packed = {}
    for code, store in enumerate(named.dictionary.to_pylist()):
        marks = np.zeros(len(index) + 1, np.bool_)  # the last one for unknown items
        marks[rows[order[borders[code] : borders[code + 1]]]] = True
        packed[store] = np.packbits(marks[:-1])
    return Availability(packed, len(index))
