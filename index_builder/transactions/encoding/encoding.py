"""Encoding: from checked lines to a folder of encoded tables, by any engine."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from index_builder.transactions.doubts import crowds
from index_builder.transactions.encoding.baskets import (
    place_baskets,
    refuse_shared_baskets,
    write_baskets,
    write_item_codes,
    write_user_codes,
)
from index_builder.transactions.encoding.digests import Digests
from index_builder.transactions.encoding.engines import Engine
from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.encoding.manifest import EncodedManifest, write_manifest
from index_builder.transactions.encoding.purchases import find_purchases
from index_builder.transactions.encoding.schemas import ITEM_CODES, USER_CODES
from index_builder.transactions.errors import EmptyDataError
from index_builder.transactions.read_summary import ReadSummary
from index_builder.transactions.tables import Notice, Table
from service.support.arrays.array_types import Int32

_EPOCH = datetime.fromisoformat("1970-01-01")


def encode_lines(
    lines: CheckedLines, table: Table, source: str, engine: Engine, folder: Path, work: Path
) -> ReadSummary:
    """Merges lines into baskets, and writes the encoded tables (see docs/scale.md).

    Args:
        lines: all of them.
        table: what is known of them all; with `_row`, if they are those of one file.
        source: what the summary calls them.
        engine: which joins and groups them; it knows no relation yet.
        folder: of the tables; empty.
        work: for temporary files; `places.parquet` stays there: basket_id of each place.

    Raises:
        SharedBasketError: a basket has more than one user.
        EmptyDataError: all lines are cancellations, or were taken back.
    """
    digests = Digests()
    left_out = find_purchases(engine, lines, work)
    places = place_baskets(engine, work)
    n_baskets = len(places.begun)
    if not n_baskets:
        raise EmptyDataError(f"{source}: expected purchases, found cancellations alone.")
    refuse_shared_baskets(engine, places, table)
    user_code = write_user_codes(engine, folder / USER_CODES, n_baskets, digests)
    n_items = write_item_codes(engine, folder / ITEM_CODES, digests)
    n_bought = lines.rows - sum(left_out.values())
    n_pairs = write_baskets(engine, folder, work, places.begun, user_code, n_bought, digests)
    dropped = {**table.left_out, **left_out, "duplicate lines, merged": n_bought - n_pairs}
    summary = ReadSummary(
        source=source,
        rows_read=n_pairs + sum(dropped.values()),
        rows_kept=n_pairs,
        dropped={reason: count for reason, count in dropped.items() if count},
        users=int(user_code.max()) + 1,
        baskets=n_baskets,
        items=n_items,
        first=_moment(places.begun[0]),
        last=_moment(places.begun[-1]),
        guest_baskets=int((user_code < 0).sum()),
        long_baskets=places.long,
        unused_columns=table.unused,
        notices=(*table.notices, *lines.notices(), *_crowds(user_code, folder / USER_CODES)),
    )
    write_manifest(folder, EncodedManifest.of(folder, summary, digests.hexadecimal()))
    return summary


def _moment(begun: np.int64) -> datetime:
    return _EPOCH + timedelta(microseconds=int(begun))


def _crowds(user_code: Int32, codes: Path) -> list[Notice]:
    found: Mapping[int, int] = crowds(np.bincount(user_code[user_code >= 0]))
    ids = pl.read_parquet(codes, columns=["id"], glob=False)["id"] if found else pl.Series()
    return [
        Notice(
            f"{count:,} of {len(user_code):,} baskets are of one user; if it stands for many "
            "people, give --guest",
            count,
            repr(ids[code]),
        )
        for code, count in found.items()
    ]
