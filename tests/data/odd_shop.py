"""A shop whose files hold all that is odd about transactions, and what plain Python makes of it."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from index_builder.transactions.encoding.encoded_tables import replacing_tables
from index_builder.transactions.encoding.encoding import encode_lines
from index_builder.transactions.encoding.engines import EngineName, engine_of
from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.encoding.manifest import EncodedManifest, read_manifest
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Source, read_source_lines
from index_builder.transactions.tables import Format
from index_builder.transactions.tables.timestamps import TimestampFormat

ITEMS = ("milk", "Milk", "téa", "Ω", "茶", "🍞", "a'b", 'a"b', "z\\", "10", "9")
ZONE = "Asia/Kolkata"  # of the files that name none; there, no hour is left out or comes twice
OPTIONS = ("--missing", "", "--guest", "guest", "--timezone", ZONE)
READING = Reading(
    timestamps=TimestampFormat(zone=ZONE), guests=frozenset({"guest"}), missing=frozenset()
)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class Line(NamedTuple):
    """One line of a file."""

    user: str
    basket: str
    item: str
    moment: datetime
    quantity: float
    event: str


def odd_lines(seed: int, n_baskets: int = 150) -> list[Line]:
    """Return lines: many baskets of one moment, returns, guests, events told twice or by others."""
    random = np.random.default_rng(seed)
    lines = []
    for basket in range(n_baskets):
        user = str(random.choice(["ann", "ben", "bén", "", "guest", *(f"u{n}" for n in range(20))]))
        begun = _FIRST + timedelta(hours=int(random.integers(40)), microseconds=basket % 3)
        for _ in range(random.integers(1, 6)):
            moment = begun + timedelta(minutes=int(random.integers(3)))
            quantity = float(random.choice([1, 1, 2, -1, -3, 0.5]))
            event = f"e{random.integers(30)}" if user and random.random() < 0.2 else ""
            teller = "thief" if event and random.random() < 0.3 else user
            item = str(random.choice(ITEMS))
            lines.append(Line(teller, f"b{basket % 97:03}-{user}", item, moment, quantity, event))
    return lines


def write_files(folder: Path, lines: list[Line], names: tuple[str, ...]) -> Path:
    """Write the lines to files of several kinds, the same number to each.

    CSV files name their zones, each another one; Parquet files are in the shop's local time.
    """
    folder.mkdir()
    size = -(-len(lines) // len(names))
    for number, name in enumerate(names):
        some = lines[number * size : (number + 1) * size]
        is_csv = name.endswith(".csv")
        frame = pl.DataFrame(
            {
                "user_id": [line.user for line in some],
                "basket_id": [line.basket for line in some],
                "item_id": [line.item for line in some],
                "timestamp": [
                    _zoned(line.moment, hours=number) if is_csv else _local(line.moment)
                    for line in some
                ],
                "quantity": [line.quantity for line in some],
                "event_id": [line.event for line in some],
            }
        )
        write = frame.write_csv if is_csv else frame.write_parquet
        write(folder / name)
    return folder


def encoded(
    engine: str, path: Path, out: Path, columns: dict[str, str] | None = None
) -> EncodedManifest:
    """Encode files, and return the manifest of the tables in `out`."""
    reading = replace(READING, format=Format(columns=columns or {}))
    with (
        replacing_tables(out) as (tables, work),
        engine_of(EngineName(engine), work) as started,
    ):
        lines = CheckedLines(work / "lines", READING.guests)
        table, source = read_source_lines(Source(path), reading, lines)
        encode_lines(lines, table, source, started, tables, work)
    return read_manifest(out)


def plain_baskets(lines: list[Line]) -> list[tuple[int, str | None, list[str]]]:
    """Return begin in microseconds, user and items of each basket, in order, by plain Python."""
    told = {line.event: place for place, line in reversed([*enumerate(lines)])}
    once = [
        (place, line)
        for place, line in enumerate(lines)
        if not line.event or told[line.event] == place
    ]
    first = {line.basket: line.user for _, line in reversed(once)}
    own = {line.basket: line.user for _, line in reversed(once) if not line.event}
    owners = first | {basket: user for basket, user in own.items() if user}
    usable = [
        (place, line) for place, line in once if not line.event or line.user == owners[line.basket]
    ]
    bought = _kept(usable)
    found: dict[str, list[Line]] = defaultdict(list)
    for line in bought:
        found[line.basket].append(line)
    return [
        (begun, user, items)
        for begun, _, user, items in sorted(
            (
                min(_microseconds(line.moment) for line in some),
                basket,
                next((line.user for line in some if line.user not in ("", "guest")), None),
                sorted({line.item for line in some}, key=str.encode),
            )
            for basket, some in found.items()
        )
    ]


def _kept(usable: list[tuple[int, Line]]) -> list[Line]:
    """The purchases of which something is left."""
    left: dict[int, float] = {}
    stock: dict[tuple[str, str], list[int]] = defaultdict(list)
    by_place = dict(usable)

    def order(each: tuple[int, Line]) -> tuple[Any, ...]:
        place, line = each
        return line.moment, line.quantity <= 0, line.basket.encode(), line.quantity, place

    for place, line in sorted(usable, key=order):
        known = line.user not in ("", "guest")
        bought = stock["u" + line.user if known else "b" + line.basket, line.item]
        if line.quantity > 0:
            left[place] = line.quantity
            bought.append(place)
            continue
        open_ = -line.quantity
        while open_ > 0 and bought:
            taken = min(open_, left[bought[-1]])
            left[bought[-1]] -= taken
            open_ -= taken
            if not left[bought[-1]]:
                bought.pop()
    return [by_place[place] for place in sorted(left) if left[place]]


def _zoned(moment: datetime, hours: int) -> str:
    return moment.astimezone(timezone(timedelta(hours=hours))).isoformat()


def _local(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)


def _microseconds(moment: datetime) -> int:
    return (moment - _FIRST) // timedelta(microseconds=1)
