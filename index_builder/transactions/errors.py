"""The errors of data that cannot be used.

DataError (a ValueError)
├── UnreadableFileError      no such file, unknown suffix, damaged content
├── EmptyDataError           a file without a single row
├── MissingColumnError
├── ColumnTypeError          a column of a type that cannot hold its values
├── BadRowsError             some rows are wrong; the message shows the first of them
│   ├── EmptyIdError
│   ├── LongIdError
│   ├── TimestampError       unparsable, out of range, or with and without a timezone
│   ├── QuantityError
│   ├── PriceError
│   ├── SharedBasketError    a basket of two users
│   └── DuplicateItemError   two products with one item_id
├── TooFewBasketsError       no item is bought often enough to learn from
├── NoHeldOutBasketsError    no basket began after the bundle's cut
├── OtherTransactionsError   the bundle was built from other transactions
├── SourceError              options that do not go together
├── EncodedTablesError       a folder that `encode` did not write, or that was changed
├── EngineError              an engine ran out of memory or disk, or lost its files or its cluster
└── MissingDatasetError      a packaged or downloaded data set is not there
"""


class DataError(ValueError):
    """The data cannot be used; the message says where, why, and what to do."""


class UnreadableFileError(DataError):
    """The file is not there, or is not what its suffix says."""


class EmptyDataError(DataError):
    """The file holds no rows."""


class MissingColumnError(DataError):
    """A column that must be there is not."""


class ColumnTypeError(DataError):
    """A column has a type that cannot hold its values."""


class BadRowsError(DataError):
    """Some rows are wrong."""


class EmptyIdError(BadRowsError):
    """An id is null or blank."""


class LongIdError(BadRowsError):
    """An id, or the name of a category, is longer than requests may have it."""


class TimestampError(BadRowsError):
    """A timestamp is missing, unparsable, out of range, or mixes zoned with naive times."""


class QuantityError(BadRowsError):
    """A quantity is not a number."""


class PriceError(BadRowsError):
    """A price is not a number, or below 0."""


class SharedBasketError(BadRowsError):
    """One basket_id belongs to more than one user."""


class DuplicateItemError(BadRowsError):
    """One item_id names more than one product."""


class TooFewBasketsError(DataError):
    """No item is bought in enough baskets to be part of a catalogue."""


class MissingDatasetError(DataError):
    """The data set is not installed, or not in the given folder."""


class EncodedTablesError(DataError):
    """Encoded tables are not there, not whole, or not those that were written."""


class EngineError(DataError):
    """An engine cannot go on; the message is its own."""


class SourceError(DataError):
    """Options that do not go together."""


class NoHeldOutBasketsError(DataError):
    """There is no basket to evaluate a bundle on."""


class OtherTransactionsError(DataError):
    """The bundle was built from other transactions than these."""
