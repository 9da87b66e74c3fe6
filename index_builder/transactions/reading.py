"""What a caller says of a shop's data: how files are written, and what some values mean."""

from dataclasses import dataclass, field

from index_builder.transactions.tables import Format
from index_builder.transactions.tables.timestamps import TimestampFormat


@dataclass(frozen=True)
class Reading:
    """How a shop's data are read.

    Attributes:
        format: of the files.
        timestamps: how they are written.
        missing: values that mean nothing, like an empty field. A line without item, basket or
            timestamp is left out then, and one without user is a guest's. None: no value is
            missing, and an empty id is refused.
        guests: users who stand for many; their baskets teach items, not a user.
        part_rows: lines that are in memory at once.
    """

    format: Format = field(default_factory=Format)
    timestamps: TimestampFormat = field(default_factory=TimestampFormat)
    missing: frozenset[str] | None = None
    guests: frozenset[str] = frozenset()
    part_rows: int = 1 << 19
