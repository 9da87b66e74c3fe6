"""What a service was told as it happened, among a shop's own lines: these carry an `event_id`."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from index_builder.transactions.tables import Table

__all__ = ["EVENT_ID", "usable_events"]

EVENT_ID = "event_id"


def usable_events(table: Table) -> tuple[Table, Mapping[str, int]]:
    """Leave out events that are there already, and those of another user's basket.

    Every machine keeps what it was told, so files of several have an event more than once; and none
    of them knows all baskets. A basket is that of the user the shop's own lines name, or else of
    the first event. A blank `event_id` makes no event of a line.

    Returns:
        The table without the column, and the number of rows that were left out, by reason.
    """
    frame = table.frame
    if EVENT_ID not in frame.columns:
        return table, {}
    told = pl.col(EVENT_ID).str.strip_chars().fill_null("") != ""
    once = frame.filter(~told | pl.col(EVENT_ID).is_first_distinct())
    own = pl.col("user_id").filter(~told).first()
    owner = pl.coalesce(own, pl.col("user_id").first()).over("basket_id")
    usable = once.filter(~told | (pl.col("user_id") == owner))
    return replace(table, frame=usable.drop(EVENT_ID)), {
        "events told before": frame.height - once.height,
        "events of another user's basket": once.height - usable.height,
    }
