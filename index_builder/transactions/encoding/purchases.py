"""Purchases: the lines that count, without repeated events, cancellations and what those undo."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from index_builder.transactions.encoding.engines import Engine
from index_builder.transactions.encoding.lines import CheckedLines

_NOTHING = 1e-9  # what is left of a quantity after all of it was taken back

# Every machine writes the events that it received, so several files may hold the same one.
_REPEATED = """
SELECT usable.place
FROM usable JOIN (
    SELECT event_id, MIN(place) AS told FROM usable WHERE event_id IS NOT NULL GROUP BY event_id
) AS tellings ON usable.event_id = tellings.event_id
WHERE usable.place > tellings.told
"""
# A basket_id may have been used by two users: it belongs to the user that the shop's own lines
# name, or else to the user of its first line.
_HEADS = """
SELECT basket_id, COUNT(event_id) AS events, MIN(place) AS head,
    MIN(CASE WHEN event_id IS NULL THEN place END) AS own
FROM usable GROUP BY basket_id
"""
_OWNERS = """
SELECT heads.basket_id, COALESCE(own_lines.user_id, first_lines.user_id) AS owner
FROM heads
JOIN usable AS first_lines ON heads.head = first_lines.place
LEFT JOIN usable AS own_lines ON heads.own = own_lines.place
WHERE heads.events > 0
"""
_OF_OTHERS = """
SELECT usable.place
FROM usable JOIN owners ON usable.basket_id = owners.basket_id
WHERE usable.event_id IS NOT NULL AND usable.user_id IS DISTINCT FROM owners.owner
"""

# A cancellation takes back what its user bought of its item at that moment or before; one of a user
# who is not known takes back lines of its own basket.
_OWNED = """
SELECT place, COALESCE(
        'u' || CASE WHEN is_guest THEN NULL ELSE user_id END, 'b' || basket_id
    ) AS owner, item_id, moment,
    CASE WHEN quantity > 0 THEN 0 ELSE 1 END AS cancels, basket_id, quantity
FROM usable
"""
_CANCELLED = "SELECT owner, item_id FROM owned WHERE cancels = 1 GROUP BY owner, item_id"
_INVOLVED = """
SELECT owned.*
FROM owned SEMI JOIN cancelled
    ON owned.owner = cancelled.owner AND owned.item_id = cancelled.item_id
ORDER BY owner, item_id, moment, cancels, basket_id, quantity, place
"""
_CANCELLATIONS = "SELECT place FROM usable WHERE quantity <= 0"

_BOUGHT = """
SELECT place, CASE WHEN is_guest THEN NULL ELSE user_id END AS user_id, basket_id, item_id, moment
FROM usable
"""


def find_purchases(engine: Engine, lines: CheckedLines, folder: Path) -> Mapping[str, int]:
    """Makes `bought`, the view of the lines that count: place, user_id, basket_id, item_id, moment.

    A guest's user_id is null there.

    Args:
        engine: that knows no relation yet.
        lines: all of them.
        folder: for the places of those that do not count.

    Returns:
        The number of lines that do not count, by reason.
    """
    engine.relation("lines", lines.files)
    usable = _Usable(engine, folder)
    if lines.with_events:
        usable.leave_out("repeated events", _places(engine, _REPEATED, "event_id"))
        engine.view("heads", _HEADS)
        engine.view("owners", _OWNERS)
        usable.leave_out(
            "events of another user's basket", _places(engine, _OF_OTHERS, "basket_id")
        )
    if lines.with_cancellations:
        engine.view("owned", _OWNED)
        engine.view("cancelled", _CANCELLED)
        taken_back = list(_taken_back(engine.batches(_INVOLVED)))
        usable.leave_out("cancellations (quantity 0 or less)", _places(engine, _CANCELLATIONS))
        usable.leave_out("purchases taken back", [pl.Series(taken_back, dtype=pl.Int64)])
    engine.view("bought", _BOUGHT)
    return usable.left_out


class _Usable:
    """The view `usable`: lines without those whose places were written to a file."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self._files: list[Path] = []
        self.left_out: dict[str, int] = {}
        engine.view("usable", "SELECT * FROM lines")

    def leave_out(self, reason: str, places: Iterable[pl.Series]) -> None:
        file = self._folder / f"places-{len(self._files)}.parquet"
        schema = pa.schema({"place": pa.int64()})
        with pq.ParquetWriter(file, schema) as writer:
            for some in places:
                writer.write_table(pl.DataFrame({"place": some}).to_arrow().cast(schema))
        if count := pq.read_metadata(file).num_rows:
            self._files.append(file)
            self.left_out[reason] = count
            self._engine.relation("left_out", self._files)
            self._engine.view(
                "usable",
                "SELECT lines.* FROM lines ANTI JOIN left_out ON lines.place = left_out.place",
            )


def _places(engine: Engine, sql: str, by: str | None = None) -> Iterator[pl.Series]:
    for batch in engine.batches(sql, by):
        yield batch["place"]


def _taken_back(involved: Iterable[pl.DataFrame]) -> Iterator[int]:
    """Yields the places of purchases of which nothing is left; the latest are taken back first.

    Args:
        involved: lines of an owner's item together, ascending in time, purchases of one moment
            before cancellations.
    """
    pair: tuple[str, str] | None = None
    bought: list[tuple[int, float]] = []
    for batch in involved:
        columns = batch.select("owner", "item_id", "quantity", "place")
        for owner, item, quantity, place in columns.iter_rows():
            if (owner, item) != pair:
                pair, bought = (owner, item), []
            if quantity > 0:
                bought.append((place, quantity))
                continue
            left = -quantity
            while left > _NOTHING and bought:
                latest, of_it = bought.pop()
                rest = of_it - left
                left -= of_it
                if rest > _NOTHING:
                    bought.append((latest, rest))
                else:
                    yield latest
