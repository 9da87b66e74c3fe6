"""The summary of what was read: rows kept and dropped, users, baskets, items, dates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from index_builder.transactions.tables import Notice


@dataclass(frozen=True)
class ReadSummary:
    """Rows read, kept and dropped; rows_read = rows_kept + the sum of `dropped`.

    Attributes:
        source: the file, folder or data set.
        rows_read: rows of the source.
        rows_kept: distinct (basket, item) pairs.
        dropped: number of rows by the reason they were left out or merged.
        users: distinct users among the kept rows.
        baskets: distinct baskets.
        items: distinct items.
        first: when the first basket began, UTC.
        last: when the last basket began, UTC.
        long_baskets: baskets whose rows lie more than a day apart; they are kept, but may be a sign
            of basket ids that are used again.
        guest_baskets: baskets of no known user.
        unused_columns: columns of the source that nothing reads.
        notices: of rows that may not mean what they seem to mean.
    """

    source: str
    rows_read: int
    rows_kept: int
    dropped: Mapping[str, int]
    users: int
    baskets: int
    items: int
    first: datetime
    last: datetime
    long_baskets: int = 0
    guest_baskets: int = 0
    unused_columns: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()

    def __rich__(self) -> RenderableType:
        table = Table(show_header=False)
        table.add_column()
        table.add_column(justify="right")
        table.add_row("rows read", f"{self.rows_read:,}")
        for reason, count in self.dropped.items():
            table.add_row(f"  {reason}", f"-{count:,}")
        table.add_row("rows kept", f"{self.rows_kept:,}", end_section=True)
        table.add_row("users", f"{self.users:,}")
        table.add_row("baskets", f"{self.baskets:,}")
        if self.guest_baskets:
            table.add_row("  of guests", f"{self.guest_baskets:,}")
        if self.long_baskets:
            table.add_row("  longer than a day", f"{self.long_baskets:,}")
        table.add_row("items", f"{self.items:,}")
        table.add_row("first basket", f"{self.first:%Y-%m-%d %H:%M}")
        table.add_row("last basket", f"{self.last:%Y-%m-%d %H:%M}")
        if self.unused_columns:
            table.add_row("columns not used", Text(", ".join(self.unused_columns)))
        warnings = [
            Text(f"⚠ {notice.text}. First: {notice.first}", style="yellow")
            for notice in self.notices
        ]
        return Group(Text(self.source, style="bold"), table, *warnings)
