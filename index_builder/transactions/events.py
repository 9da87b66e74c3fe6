"""Events of the purchase stream among a shop's own lines; a line with an `event_id` is one."""

from dataclasses import replace

import polars as pl

from index_builder.transactions.tables import Table

EVENT_ID = "event_id"


def usable_events(table: Table) -> Table:
    """Leaves out repeated events, and events of another user's basket.

    Every machine writes the events that it received, so several files may hold the same event, and
    a basket_id may have been used by two users. A basket belongs to the user that the shop's own
    lines name, or else to the user of its first event. A blank `event_id` makes no event of a line.

    Returns:
        The table without the column.
    """
    if EVENT_ID not in table.frame.columns:
        return table
    is_event = pl.col(EVENT_ID).str.strip_chars().fill_null("") != ""
    own = pl.col("user_id").filter(~is_event).first()
    owner = pl.coalesce(own, pl.col("user_id").first()).over("basket_id")
    for wrong, reason in (
        (~pl.col(EVENT_ID).is_first_distinct(), "repeated events"),
        (pl.col("user_id").ne_missing(owner), "events of another user's basket"),
    ):
        table = table.without(table.frame.select(is_event & wrong).to_series(), reason)
    return replace(table, frame=table.frame.drop(EVENT_ID))
