"""Baskets: places in time, owners, and the items of each as codes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from index_builder.transactions.encoding.codes import write_codes
from index_builder.transactions.encoding.digests import Digests
from index_builder.transactions.encoding.engines import Engine
from index_builder.transactions.encoding.runs import sorted_runs
from index_builder.transactions.encoding.schemas import BASKETS_SCHEMA
from index_builder.transactions.errors import SharedBasketError
from index_builder.transactions.tables import ROW, Table
from service.support.arrays.array_types import Int32, Int64

SORTED_BASKETS = 1 << 20  # whose ids are in memory at once
_DAY_US = 86_400_000_000

_BASKETS = """
SELECT basket_id, MIN(user_id) AS owner, MAX(user_id) AS other, MIN(moment) AS begun,
    MAX(moment) AS ended
FROM bought GROUP BY basket_id
"""
_FOREIGN = """
SELECT bought.basket_id, bought.user_id, MIN(bought.place) AS place
FROM bought SEMI JOIN shared ON bought.basket_id = shared.basket_id
GROUP BY bought.basket_id, bought.user_id
"""
# One line more than a message shows, so that it says that there are others.
_SHOWN_BY_PLACE = """
SELECT lines.place, lines.user_id, lines.basket_id, lines.item_id, lines.moment
FROM lines SEMI JOIN first_lines ON lines.place = first_lines.place
ORDER BY place LIMIT 6
"""
_SHOWN_BY_BASKET = _SHOWN_BY_PLACE.replace("ORDER BY place", "ORDER BY basket_id, place")
# Not DISTINCT, which takes polars six times as long.
_USERS = "SELECT owner FROM places WHERE owner IS NOT NULL GROUP BY owner ORDER BY owner"
_USER_CODES = """
SELECT places.place, user_codes.code FROM places JOIN user_codes ON places.owner = user_codes.id
"""
_ITEMS = "SELECT item_id FROM bought GROUP BY item_id ORDER BY item_id"
_PAIRS = """
SELECT places.place, item_codes.code
FROM bought
JOIN places ON bought.basket_id = places.basket_id
JOIN item_codes ON bought.item_id = item_codes.id
"""


@dataclass(frozen=True)
class Places:
    """Where the baskets stand in time.

    Attributes:
        begun: (n_baskets,) int64, microseconds since 1970, UTC; ascending.
        long: number of baskets whose lines lie more than a day apart.
        shared: a file with the basket_ids of those that belong to more than one user.
        n_shared: number of them.
    """

    begun: Int64
    long: int
    shared: Path
    n_shared: int


def place_baskets(engine: Engine, folder: Path) -> Places:
    """Makes `places`, the relation of all baskets: basket_id, place (from 0, in time), owner."""
    file, shared = folder / "places.parquet", folder / "shared.parquet"
    of_places = pa.schema({"basket_id": pa.string(), "place": pa.int64(), "owner": pa.string()})
    of_shared = pa.schema({"basket_id": pa.string()})
    begun: list[Int64] = []
    n_baskets = n_long = n_shared = 0
    with (
        pq.ParquetWriter(file, of_places, compression="lz4") as writer,
        pq.ParquetWriter(shared, of_shared) as foreign,
    ):
        for batch in _in_time(engine, folder / "unordered.parquet"):
            place = pl.int_range(n_baskets, n_baskets + pl.len(), dtype=pl.Int64).alias("place")
            placed = batch.select("basket_id", place, "owner")
            writer.write_table(placed.to_arrow().cast(of_places))
            begun.append(batch["begun"].to_numpy())
            n_baskets += batch.height
            n_long += int((batch["ended"] - batch["begun"] > _DAY_US).sum())
            found = batch.filter(pl.col("owner") != pl.col("other")).select("basket_id")
            foreign.write_table(found.to_arrow().cast(of_shared))
            n_shared += found.height
    engine.relation("places", [file])
    return Places(np.concatenate([np.zeros(0, np.int64), *begun]), n_long, shared, n_shared)


def _in_time(engine: Engine, file: Path) -> Iterator[pl.DataFrame]:
    """Yields the baskets by begun and basket_id, a million or so at a time.

    Sorted by the engine, the ids of all of them would be in memory several times over.

    Args:
        engine: that knows `bought`.
        file: for the baskets in any order; it is gone in the end.
    """
    schema = pa.schema(
        dict.fromkeys(("basket_id", "owner", "other"), pa.string())
        | dict.fromkeys(("begun", "ended"), pa.int64())
    )
    moments: list[Int64] = [np.zeros(0, np.int64)]
    with pq.ParquetWriter(file, schema, compression="lz4") as writer:
        for batch in engine.batches(_BASKETS, "basket_id"):
            writer.write_table(batch.select(schema.names).to_arrow().cast(schema))
            moments.append(batch["begun"].to_numpy())
    begun = np.sort(np.concatenate(moments))
    begins = np.unique(begun[::SORTED_BASKETS])  # baskets of one moment stay together
    ends = np.append(begins[1:], np.iinfo(np.int64).max)
    for start, end in zip(begins, ends[: len(begins)], strict=True):
        of_range = pl.col("begun").is_between(int(start), int(end), closed="left")
        rows = pl.scan_parquet(file, glob=False).filter(of_range)
        yield rows.collect(engine="streaming").sort("begun", "basket_id")
    file.unlink()


def refuse_shared_baskets(engine: Engine, places: Places, table: Table) -> None:
    """Raises SharedBasketError if a basket has more than one user.

    Args:
        engine: that knows `bought`.
        places: of the baskets.
        table: the source; with `_row`, if the lines are those of one file.
    """
    if not places.n_shared:
        return
    engine.relation("shared", [places.shared])
    engine.view("first_lines", _FOREIGN)
    in_file = ROW in table.frame.columns
    batches = engine.batches(_SHOWN_BY_PLACE if in_file else _SHOWN_BY_BASKET)
    shown = pl.concat(batches).select(
        *([pl.col("place").alias(ROW)] if in_file else []),
        "user_id",
        "basket_id",
        "item_id",
        timestamp=pl.from_epoch("moment", "us"),
    )
    replace(table, frame=shown).refuse(
        shown,
        SharedBasketError,
        f"{places.n_shared:,} of {len(places.begun):,} values of basket_id belong to more than one "
        "user",
        "Where users number their own baskets, put the user_id in front of the basket_id.",
    )


def write_user_codes(engine: Engine, file: Path, n_baskets: int, digests: Digests) -> Int32:
    """Writes the codes of all users who own a basket.

    Returns:
        (n_baskets,) the code of each basket's user; -1 for a guest.
    """
    write_codes(file, (batch["owner"] for batch in engine.batches(_USERS)), digests)
    engine.relation("user_codes", [file])
    user_code = np.full(n_baskets, -1, np.int32)
    for batch in engine.batches(_USER_CODES):
        user_code[batch["place"].to_numpy()] = batch["code"].to_numpy()
    return user_code


def write_item_codes(engine: Engine, file: Path, digests: Digests) -> int:
    """Writes the codes of all items, and returns their number."""
    n_items = write_codes(file, (batch["item_id"] for batch in engine.batches(_ITEMS)), digests)
    engine.relation("item_codes", [file])
    return n_items


def write_baskets(
    engine: Engine,
    folder: Path,
    work: Path,
    begun: Int64,
    user_code: Int32,
    n_lines: int,
    digests: Digests,
) -> int:
    """Writes the baskets, one contiguous range of them a file.

    Args:
        engine: that knows `bought`, `places` and `item_codes`.
        folder: of the files, `baskets-00000.parquet` and so on.
        work: for temporary files.
        begun: (n_baskets,) as in `Places`.
        user_code: (n_baskets,) as `write_user_codes` returns it.
        n_lines: number of lines at most.
        digests: of the values.

    Returns:
        The number of distinct (basket, item) pairs.
    """
    batches = engine.batches(_PAIRS, "basket_id")
    pairs = ((batch["place"].to_numpy(), batch["code"].to_numpy()) for batch in batches)
    n_pairs = 0
    for number, (place, code) in enumerate(sorted_runs(pairs, work, len(begun), n_lines)):
        with pq.ParquetWriter(
            folder / f"baskets-{number:05}.parquet", BASKETS_SCHEMA, compression="zstd"
        ) as writer:
            for table in _tables(place, code, begun, user_code):
                writer.write_table(table)
                digests.add("baskets", table)
        n_pairs += len(place)
    return n_pairs


def _tables(place: Int64, code: Int32, begun: Int64, user_code: Int32) -> Iterator[pa.Table]:
    """Yields the baskets of sorted pairs, some at a time."""
    pairs = pl.DataFrame({"place": place, "items": code})
    baskets = pairs.group_by("place", maintain_order=True).agg("items")
    for some in baskets.iter_slices(1 << 17):
        places = some["place"].to_numpy()
        columns = {"begun_us": begun[places], "user_code": user_code[places]}
        table = some.with_columns(pl.Series(name, each) for name, each in columns.items())
        yield table.select(BASKETS_SCHEMA.names).to_arrow().cast(BASKETS_SCHEMA)
