"""Timezones: the lines of a file name one, or none do; files of a folder may differ."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.cli.main import app
from index_builder.transactions.encoding.manifest import EncodedManifest, read_manifest
from index_builder.transactions.errors import TimestampError
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables.timestamps import TimestampFormat
from index_builder.transactions.transactions import read_transactions
from service.events.event import Event
from service.events.journal import Journal
from service.events.parquet import ParquetFiles
from tests.data.transaction_files import naive

BERLIN = ZoneInfo("Europe/Berlin")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEADER = "user_id,basket_id,item_id,timestamp\n"


def begun(path: Path, zone: str = "Europe/Berlin", pattern: str | None = None) -> dict[str, str]:
    """When each basket began, in UTC."""
    lines = read_transactions(path, Reading(timestamps=TimestampFormat(pattern, zone))).lines
    return {
        basket: f"{moment:%m-%d %H:%M}" for basket, moment in lines["basket_id", "begun_at"].rows()
    }


def write_csv(path: Path, **moments: object) -> None:
    """One line a basket."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEADER + "".join(f"u,{name},i,{text}\n" for name, text in moments.items()))


def write_parquet(path: Path, **moments: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"user_id": "u", "basket_id": list(moments), "item_id": "i"}
    pl.DataFrame({**columns, "timestamp": list(moments.values())}).write_parquet(path)


def test_a_shops_local_times_stand_beside_moments_of_any_zone(tmp_path: Path) -> None:
    """In Berlin, 02:30 is left out on 26 March 2017, and comes twice on 29 October."""
    shop = tmp_path / "shop"
    write_csv(shop / "1.csv", winter="2017-01-15T12:00", gap="2017-03-26T02:30")
    write_csv(shop / "2.csv", twice="2017-10-29 02:30", day="2017-07-01")
    write_parquet(shop / "3.parquet", summer=naive("2017-07-01T12:00"))
    write_parquet(shop / "4.parquet", date=naive("2017-01-15").date())
    write_parquet(shop / "5.parquet", zoned=datetime(2017, 7, 1, 12, tzinfo=UTC))
    write_parquet(shop / "6.parquet", tokyo=datetime(2017, 7, 1, 12, tzinfo=ZoneInfo("Asia/Tokyo")))
    write_csv(shop / "7.csv", z="2017-03-26T02:30Z", first="2017-10-29T02:30+02:00")
    write_csv(shop / "8.csv", second="20171029T023000+0100")
    local = {
        "winter": "01-15 11:00", "gap": "03-26 01:30", "twice": "10-29 00:30",
        "day": "06-30 22:00", "summer": "07-01 10:00", "date": "01-14 23:00",
    }  # fmt: skip
    zoned = {
        "zoned": "07-01 12:00", "tokyo": "07-01 03:00", "z": "03-26 02:30",
        "first": "10-29 00:30", "second": "10-29 01:30",
    }  # fmt: skip
    assert begun(shop) == local | zoned
    assert begun(shop, "UTC") == zoned | {
        "winter": "01-15 12:00", "gap": "03-26 02:30", "twice": "10-29 02:30",
        "day": "07-01 00:00", "summer": "07-01 12:00", "date": "01-15 00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%d/%m/%Y %H:%M", "01/07/2017 12:00", "07-01 10:00"),
        ("%d/%m/%Y", "01/07/2017", "06-30 22:00"),
        ("%d/%m/%Y %H:%M %z", "01/07/2017 12:00 -0500", "07-01 17:00"),
        ("%Y-%m-%dT%H:%M:%S%.fZ", "2017-07-01T12:00:00.5Z", "07-01 12:00"),
        ("%d/%m/%Y %H:%M UTC", "01/07/2017 12:00 UTC", "07-01 12:00"),
        ("Z%d/%m/%Y %H:%M", "Z01/07/2017 12:00", "07-01 10:00"),
        ("%d/%m/%Y %H:%M %Z", "01/07/2017 12:00 CEST", "07-01 10:00"),
        ("%s", "1498910400", "07-01 12:00"),
        ("epoch-s", "1498910400", "07-01 12:00"),
        ("excel", "42917.5", "07-01 10:00"),
    ],
)
def test_a_format_of_text_goes_with_moments_of_another_file(
    pattern: str, text: str, expected: str, tmp_path: Path
) -> None:
    write_csv(tmp_path / "shop" / "1.csv", text=text)
    write_parquet(tmp_path / "shop" / "2.parquet", zoned=datetime(2017, 7, 1, 12, tzinfo=UTC))
    write_parquet(tmp_path / "shop" / "3.parquet", local=naive("2017-07-01T12:00"))
    others = {"zoned": "07-01 12:00", "local": "07-01 10:00"}
    assert begun(tmp_path / "shop", pattern=pattern) == {"text": expected} | others


def test_a_mix_within_a_file_is_refused_beside_files_that_are_right(tmp_path: Path) -> None:
    write_csv(tmp_path / "shop" / "1.csv", a="2017-12-01T10:00")
    write_csv(tmp_path / "shop" / "2.csv", b="2017-12-01T10:00Z", c="2017-12-01")
    with pytest.raises(TimestampError, match=r"2\.csv: 1 of 2 rows have a timestamp without a"):
        read_transactions(tmp_path / "shop")


def test_local_time_is_advised_only_to_files_that_may_be_in_it(tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(hours=3)
    write_csv(tmp_path / "shop" / "1.csv", a=soon.isoformat())
    write_csv(tmp_path / "shop" / "2.csv", b=soon.replace(tzinfo=None).isoformat())
    first, second = read_transactions(tmp_path / "shop").summary.notices
    assert first.text == "1 of 1 rows have a timestamp in the future"
    assert second.text == f"{first.text}; if it is local time, give --timezone"


def test_the_services_exports_stand_beside_a_shops_local_times(tmp_path: Path) -> None:
    """Every engine makes the same of both as of one file in UTC."""
    moments = [EPOCH.replace(year=2017) + timedelta(days=9 * day, hours=7) for day in range(40)]
    rows = [(f"u{n % 5}", f"b{n}", f"i{n % 7}", moment) for n, moment in enumerate(moments)]
    one = pl.DataFrame(rows, schema=("user_id", "basket_id", "item_id", "timestamp"), orient="row")
    one.write_parquet(tmp_path / "one.parquet")
    local = pl.col("timestamp").dt.convert_time_zone("Europe/Berlin").dt.replace_time_zone(None)
    shop = tmp_path / "shop"
    shop.mkdir()
    one[:10].with_columns(local).write_parquet(shop / "1.parquet")
    one[10:20].with_columns(local.dt.to_string("iso:strict")).write_csv(shop / "2.csv")
    journal = Journal(tmp_path)
    journal.append(
        [
            Event(event_id=basket, user_id=user, basket_id=basket, item_id=item, timestamp=moment)
            for user, basket, item, moment in rows[20:]
        ]
    )
    ParquetFiles(shop / "till", journal).export()
    journal.close()
    for number, file in enumerate(sorted(shop.rglob("*.*"))):
        os.utime(file, (1_600_000_000, 1_600_000_000 + number))

    expected = encoded(tmp_path / "one.parquet", tmp_path / "one").digests
    for engine in ("polars", "duckdb"):
        options = ("--timezone", "Europe/Berlin", "--engine", engine)
        for _ in ("all files are read", "their lines are taken"):
            assert encoded(shop, tmp_path / engine, *options).digests == expected


def test_exports_of_an_earlier_release_are_told_and_can_be_mended(tmp_path: Path) -> None:
    """Their timestamps are in UTC without naming it; the shop's own files stay as they are."""
    shop = tmp_path / "shop"
    write_csv(shop / "1.csv", own="2017-07-01T12:00")
    write_parquet(shop / "day=2017-07-01" / "own-1.parquet", daily=naive("2017-07-01T12:00"))
    export = shop / "till" / "day=2017-07-01" / "0f0f-000000000001.parquet"
    write_parquet(export, event=naive("2017-07-01T12:00"))
    pl.read_parquet(export, hive_partitioning=False).with_columns(
        event_id=pl.lit("e1")
    ).write_parquet(export)
    export.chmod(0o600)
    berlin = Reading(timestamps=TimestampFormat(zone="Europe/Berlin"))
    (notice,) = read_transactions(shop, berlin).summary.notices
    assert notice.text.startswith("1 of 1 rows are events without a timezone, read as local time")
    assert "0f0f-000000000001.parquet, row 1 " in notice.first
    assert not read_transactions(shop).summary.notices

    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    (program,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    for _ in ("once", "again"):
        subprocess.run([sys.executable, "-c", program], cwd=shop, check=True)
        assert begun(shop) == {
            "own": "07-01 10:00", "daily": "07-01 10:00", "event": "07-01 12:00",
        }  # fmt: skip
    assert not read_transactions(shop, berlin).summary.notices
    assert stat.S_IMODE(export.stat().st_mode) == 0o600


def encoded(path: Path, out: Path, *options: str) -> EncodedManifest:
    command = ["encode", "--transactions", str(path), "--out", str(out), *options]
    app(command, standalone_mode=False)
    return read_manifest(out)


def _iso(moment: datetime, zone: timezone | ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat()


def _local(moment: datetime) -> datetime:
    return moment.astimezone(BERLIN).replace(tzinfo=None)


_WAYS: dict[str, tuple[str, Callable[[datetime], object]]] = {
    "local text": ("csv", lambda moment: _local(moment).isoformat()),
    "zoned text": ("csv", lambda moment: _iso(moment, timezone(timedelta(hours=-5)))),
    "local": ("parquet", _local),
    "zoned": ("parquet", lambda moment: moment),
}
_FILES = st.tuples(
    st.sampled_from(list(_WAYS)),
    st.lists(
        st.integers(0, 1_700_000_000).map(lambda s: EPOCH + timedelta(seconds=s)),
        min_size=1,
        max_size=3,
    ),
)


@settings(max_examples=25, deadline=None)
@given(files=st.lists(_FILES, min_size=1, max_size=4))
def test_however_files_write_them_moments_are_the_same(
    files: list[tuple[str, list[datetime]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop, numbers = tmp_path_factory.mktemp("shop"), count()
    expected: dict[str, datetime] = {}
    for place, (way, moments) in enumerate(files):
        kind, written = _WAYS[way]
        named = {f"b{next(numbers)}": moment for moment in moments}
        write = write_csv if kind == "csv" else write_parquet
        write(shop / f"{place}.{kind}", **{name: written(each) for name, each in named.items()})
        # A local hour that comes twice is read as the first.
        unfolded = way.startswith("local")
        expected |= {
            name: (_local(each).replace(tzinfo=BERLIN).astimezone(UTC) if unfolded else each)
            for name, each in named.items()
        }
    found = read_transactions(shop, Reading(timestamps=TimestampFormat(zone="Europe/Berlin"))).lines
    assert dict(found["basket_id", "begun_at"].rows()) == {
        name: moment.replace(tzinfo=None) for name, moment in expected.items()
    }
