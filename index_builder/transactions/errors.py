"""Why a data file is refused.

DataError (a ValueError)
├── UnreadableFileError      no such file, unknown suffix, broken or foreign content
├── EmptyDataError           a file without a single row
├── MissingColumnError
├── ColumnTypeError          a column of a type that cannot mean what it should
├── BadRowsError             some rows are wrong; the message shows the first of them
│   ├── EmptyIdError
│   ├── TimestampError       unparsable, or with and without a timezone in one column
│   ├── QuantityError
│   ├── SharedBasketError    a basket of two users
│   └── DuplicateItemError   two products with one item_id
├── TooFewBasketsError       nothing is bought often enough to be learnt
├── NoHeldOutBasketsError    nothing began after the bundle's cut
├── OtherTransactionsError   a bundle was not built from these
└── MissingDatasetError      a packaged or downloaded data set is not there
"""

__all__ = [
    "BadRowsError",
    "ColumnTypeError",
    "DataError",
    "DuplicateItemError",
    "EmptyDataError",
    "EmptyIdError",
    "MissingColumnError",
    "MissingDatasetError",
    "NoHeldOutBasketsError",
    "OtherTransactionsError",
    "QuantityError",
    "SharedBasketError",
    "TimestampError",
    "TooFewBasketsError",
    "UnreadableFileError",
]


class DataError(ValueError):
    """The data cannot be used; the message says which, where, and what to do."""


class UnreadableFileError(DataError):
    """The file is not there, or is not what its suffix says."""


class EmptyDataError(DataError):
    """The file holds no rows."""


class MissingColumnError(DataError):
    """A column that must be there is not."""


class ColumnTypeError(DataError):
    """A column has a type that cannot be read as what it should hold."""


class BadRowsError(DataError):
    """Some rows are wrong."""


class EmptyIdError(BadRowsError):
    """An id is null or blank."""


class TimestampError(BadRowsError):
    """A timestamp is missing, unparsable, or mixes timezones with naive times."""


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
    """The asked-for data set is not installed or not at the given place."""


class NoHeldOutBasketsError(DataError):
    """There is no basket to judge a bundle by."""


class OtherTransactionsError(DataError):
    """The bundle was built from other transactions than these."""
