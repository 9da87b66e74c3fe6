"""Availability: which items are in stock in which store."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from service.business_rules.errors import Mistake, RulesError
from service.support.arrays.array_types import Bool, Int32, UInt8
from service.support.validity import SPACES

_COLUMNS = ["store_id", "item_id"]
_QUANTITY = "quantity"

# A file of some hundred kilobytes can stand for gigabytes.
_ROWS_LIMIT = 50_000_000
_UNCOMPRESSED_LIMIT_BYTES = 128 << 20  # as the file's own metadata declare it
_NAMES_LIMIT_BYTES = 16 << 20  # of the distinct ids of a batch
_MASKS_LIMIT_BYTES = 256 << 20
_BATCH_ROWS = 1 << 20


class Availability:
    """The items in stock in each store, one bit for each.

    Attributes:
        stores: the ids of the stores.
        sold_out: rows of the file with a quantity of 0 or less.
        empty: the ids of stores that have no item of the catalogue.
    """

    def __init__(self, packed: Mapping[str, UInt8], n_items: int, sold_out: int = 0) -> None:
        self._packed = packed
        self.sold_out = sold_out
        self.empty = [store for store, bits in packed.items() if not bits.any()]
        self._n_items = n_items
        self.stores = frozenset(packed)

    def in_stock(self, store_id: str) -> Bool:
        """Which items are in stock in one of `stores`, shape (n_items,)."""
        return np.unpackbits(self._packed[store_id], count=self._n_items).view(np.bool_)


def read_availability(content: bytes, index: Mapping[str, int], source: str) -> Availability:
    """Reads a file of availability.

    Args:
        content: of a Parquet file with the columns store_id and item_id, strings or integers, and
            a row for each item that a store has. Items outside the catalogue are ignored. With a
            column quantity, items of 0 or less, or without a number, are not in stock.
        index: item index by item id.
        source: the name of the file in errors.

    Raises:
        RulesError: the file has another form, or is too large.
    """
    try:
        packed, sold_out = _packed(content, index)
    except (pa.ArrowException, OSError, KeyError) as error:
        expected = f"a Parquet file with the columns {' and '.join(_COLUMNS)}"
        raise _refusal(source, expected, str(error).splitlines()[0]) from error
    except _ContentError as error:
        raise _refusal(source, *error.args) from error
    return Availability(packed, len(index), sold_out)


class _ContentError(Exception):
    """The rows are refused; the arguments are what was expected and found."""


def _refusal(source: str, expected: str, found: str) -> RulesError:
    return RulesError(source, [Mistake(None, f"expected {expected}, found {found}")])


def _packed(content: bytes, index: Mapping[str, int]) -> tuple[dict[str, UInt8], int]:
    """Reads a batch of rows after the other, and sets their bits.

    Returns:
        The bits by store, and the number of rows that are not in stock.
    """
    items = pa.array(index, pa.string())
    width = (len(index) + 7) // 8
    numbers: dict[str, int] = {}
    masks = np.zeros((0, width), np.uint8)
    sold_out = 0
    for batch in _batches(content):
        (stores, store_of), (ids, id_of) = (_coded(batch.column(name)) for name in _COLUMNS)
        used = np.flatnonzero(np.bincount(store_of))  # the others have no row
        places = np.zeros(len(stores), np.int64)
        places[used] = [numbers.setdefault(n, len(numbers)) for n in stores.take(used).to_pylist()]
        if len(numbers) * width > _MASKS_LIMIT_BYTES:
            most = _MASKS_LIMIT_BYTES // width
            raise _ContentError(f"at most {most:,} stores of {len(index):,} items", "more")
        if new := len(numbers) - len(masks):
            masks = np.concatenate([masks, np.zeros((new, width), np.uint8)])
        rows = pc.fill_null(pc.index_in(ids, items), -1).to_numpy()[id_of]
        in_stock = _in_stock(batch)
        sold_out += len(in_stock) - int(in_stock.sum())
        known = (rows >= 0) & in_stock
        store, row = places[store_of[known]], rows[known]
        # Bits in the order of `np.packbits`.
        bits = np.uint8(128) >> (row & 7).astype(np.uint8)
        np.bitwise_or.at(masks.reshape(-1), store * width + (row >> 3), bits)
    if not numbers:
        raise _ContentError("a row for each item in stock", "none")
    return dict(zip(numbers, masks, strict=True)), sold_out


def _batches(content: bytes) -> Iterator[pa.RecordBatch]:
    from pyarrow import parquet  # a third of a second, only needed for such a file

    # Dictionaries stay as they are: a long text that is repeated takes its room once.
    file = parquet.ParquetFile(pa.BufferReader(content), read_dictionary=_COLUMNS)
    facts = file.metadata
    if facts.num_rows > _ROWS_LIMIT:
        raise _ContentError(f"at most {_ROWS_LIMIT:,} rows", f"{facts.num_rows:,}")
    groups = map(facts.row_group, range(facts.num_row_groups))
    if (size := sum(map(_uncompressed_bytes, groups))) > _UNCOMPRESSED_LIMIT_BYTES:
        expected = f"at most {_UNCOMPRESSED_LIMIT_BYTES:,} bytes, uncompressed"
        raise _ContentError(expected, f"{size:,}")
    columns = [*_COLUMNS, *({_QUANTITY} & set(file.schema_arrow.names))]
    yield from file.iter_batches(_BATCH_ROWS, columns=columns)


def _uncompressed_bytes(group: Any) -> int:
    """The size of the columns in a row group."""
    columns = map(group.column, range(group.num_columns))
    read = (*_COLUMNS, _QUANTITY)
    return sum(each.total_uncompressed_size for each in columns if each.path_in_schema in read)


def _in_stock(batch: pa.RecordBatch) -> Bool:
    """Which rows have a quantity above 0, (n,); all of them without such a column."""
    if _QUANTITY not in batch.schema.names:
        return np.ones(len(batch), np.bool_)
    quantity = pc.cast(batch.column(_QUANTITY), pa.float64())
    positive: Bool = pc.fill_null(pc.greater(quantity, 0), False).to_numpy(zero_copy_only=False)
    return positive


def _coded(column: pa.Array) -> tuple[pa.Array, Int32]:
    """The distinct values of a column, as strings, and the place of each row's among them."""
    if column.null_count:
        raise _ContentError("a row for each item in stock, without nulls", "nulls")
    if not isinstance(column, pa.DictionaryArray):
        column = column.dictionary_encode()
    if (size := column.dictionary.nbytes) > _NAMES_LIMIT_BYTES:
        raise _ContentError(f"at most {_NAMES_LIMIT_BYTES:,} bytes of distinct ids", f"{size:,}")
    names = pc.utf8_trim(pc.cast(column.dictionary, pa.string()), SPACES)
    return names, column.indices.to_numpy()
