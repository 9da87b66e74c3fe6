"""Cancellations: lines of quantity 0 or less, such as returns and voided lines."""

from collections.abc import Mapping

import polars as pl

_NOTHING = 1e-9  # what is left of a quantity after all of it was taken back


def take_back(rows: pl.DataFrame) -> tuple[pl.DataFrame, Mapping[str, int]]:
    """Leaves out cancellations, and the purchases that they take back.

    A cancellation takes back what its user bought of its item at that moment or before, the latest
    first, up to its quantity. One of a user who is not known takes back lines of its own basket.

    Args:
        rows: user_id, which may be null, basket_id, item_id, timestamp, quantity.

    Returns:
        The purchases that remain, with what remains of their quantities, in the same order; and the
        number of rows that were left out, by reason.
    """
    cancelled = pl.col("quantity") <= 0
    rows = rows.with_row_index("_place")
    cancellations = rows.filter(cancelled)
    if cancellations.is_empty():
        return rows.drop("_place"), {}
    owner = pl.coalesce(pl.lit("u") + pl.col("user_id"), pl.lit("b") + pl.col("basket_id"))
    pairs = cancellations.select(owner.alias("_owner"), "item_id").unique()
    involved = (
        rows.join(pairs.select("item_id").unique(), on="item_id", how="semi")
        .select(owner.alias("_owner"), "item_id", "timestamp", "quantity", "_place")
        .join(pairs, on=["_owner", "item_id"], how="semi")
        # Of one moment, purchases come before cancellations.
        .sort("_owner", "item_id", "timestamp", -pl.col("quantity").sign())
    )
    changed = _changed(involved)
    left = pl.DataFrame(
        {"_place": list(changed), "_left": list(changed.values())},
        schema={"_place": rows.schema["_place"], "_left": pl.Float64},
    )
    kept = (
        rows.filter(~cancelled)
        .join(left, on="_place", how="left", maintain_order="left")
        .with_columns(quantity=pl.coalesce("_left", "quantity"))
        .filter(pl.col("quantity") > 0)
        .drop("_place", "_left")
    )
    taken_back = rows.height - cancellations.height - kept.height
    return kept, {
        "cancellations (quantity 0 or less)": cancellations.height,
        "purchases taken back": taken_back,
    }


def _changed(involved: pl.DataFrame) -> dict[int, float]:
    """The quantities that remain of purchases, by place; 0 for one that was taken back.

    Args:
        involved: _owner, item_id, timestamp, quantity, _place, sorted by the first three.
    """
    changed: dict[int, float] = {}
    pair: tuple[str, str] | None = None
    bought: list[tuple[int, float]] = []
    for owner, item, _, quantity, place in involved.iter_rows():
        if (owner, item) != pair:
            pair, bought = (owner, item), []
        if quantity > 0:
            bought.append((place, quantity))
            continue
        left = -quantity
        while left > _NOTHING and bought:
            place, quantity = bought.pop()
            rest = quantity - left
            left -= quantity
            changed[place] = rest if rest > _NOTHING else 0.0
            if changed[place]:
                bought.append((place, rest))
    return changed
