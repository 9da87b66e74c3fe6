"""ISO 8601, checked against the standard library."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.transactions.timestamps import naive_utc, parse_iso_8601

OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-12-01", "2017-12-01T00:00:00"),
        ("2017-12-01T18:30", "2017-12-01T18:30:00"),
        ("2017-12-01 18:30:15", "2017-12-01T18:30:15"),
        (" 2017-12-01T18:30:15 ", "2017-12-01T18:30:15"),
        ("2017-12-01T18:30:15.5", "2017-12-01T18:30:15.500000"),
        ("2017-12-01T18:30:15.123456789", "2017-12-01T18:30:15.123456"),
        ("2017-12-01T18:30:15Z", "2017-12-01T18:30:15"),
        ("2017-12-01T18:30:15+01:00", "2017-12-01T17:30:15"),
        ("2017-12-01T18:30:15-0530", "2017-12-02T00:00:15"),
        ("2017-12-01 18:30:15 +01", "2017-12-01T17:30:15"),
        ("2017-12-01T18:30:15-00:30", "2017-12-01T19:00:15"),
    ],
)
def test_accepted_forms(text: str, expected: str) -> None:
    parsed = parse_iso_8601(pl.Series([text]))["timestamp"].item()
    assert parsed == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2017",
        "2017-12",
        "2017-1-1",
        "20171201",
        "2017-02-29",
        "2017-12-01T18",
        "2017-12-01T18:60",
        "2017-12-01T24:00",
        "2017-12-01+01:00",
        "2017-12-01T18:30 CET",
        "2017-12-01T18:30+24:00",
        "2017-12-01T18:30+01:60",
        "2017-12-01T18:30+\u0660\u0661:00",  # digits, but not ours
    ],
)
def test_refused_forms(text: str) -> None:
    assert parse_iso_8601(pl.Series([text]))["timestamp"].item() is None


@settings(deadline=None)
@given(moment=MOMENTS, zone=st.none() | OFFSETS | st.just(UTC), separator=st.sampled_from("T "))
def test_agrees_with_the_standard_library(
    moment: datetime, zone: timezone | None, separator: str
) -> None:
    stamp = moment.replace(tzinfo=zone)
    parsed = parse_iso_8601(pl.Series([stamp.isoformat(separator)]))
    assert parsed.row(0) == (naive_utc(stamp), zone is not None)


@settings(deadline=None)
@given(texts=st.lists(st.none() | st.text(max_size=30)))
def test_any_text_parses_or_is_null(texts: list[str | None]) -> None:
    parsed = parse_iso_8601(pl.Series(texts, dtype=pl.String))
    assert parsed.height == len(texts)
    assert parsed.schema == {"timestamp": pl.Datetime("us"), "zoned": pl.Boolean}
