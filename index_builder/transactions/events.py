"""Events of the purchase stream among a shop's own lines; a line with an `event_id` is one."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from index_builder.transactions.tables import Table

EVENT_ID = "event_id"


def usable_events(table: Table) -> tuple[Table, Mapping[str, int]]:
    """Leaves out repeated events, and events of another user's basket.

    Every machine writes the events that it received, so several files may hold the same event, and
    a basket_id may have been used by two users. A basket belongs to the user that the shop's own
    lines name, or else to the user of its first event. A blank `event_id` makes no event of a line.

    Returns:
        The table without the column, and the number of rows that were left out, by reason.
    """
    frame = table.frame
    if EVENT_ID not in frame.columns:
        return table, {}
    is_event = pl.col(EVENT_ID).str.strip_chars().fill_null("") != ""
    once = frame.filter(~is_event | pl.col(EVENT_ID).is_first_distinct())
    own = pl.col("user_id").filter(~is_event).first()
    owner = pl.coalesce(own, pl.col("user_id").first()).over("basket_id")
    usable = once.filter(~is_event | (pl.col("user_id") == owner))
    return replace(table, frame=usable.drop(EVENT_ID)), {
        "repeated events": frame.height - once.height,
        "events of another user's basket": once.height - usable.height,
    }
