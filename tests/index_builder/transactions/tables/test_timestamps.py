"""ISO 8601, checked against the standard library."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.transactions.tables import FormatError
from index_builder.transactions.tables.timestamps import (
    TimestampFormat,
    guesses,
    naive_utc,
    parse_iso_8601,
)

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
        ("2017-12-01 18:30:15 UTC", "2017-12-01T18:30:15"),
        ("2017-12-01 18:30 GMT", "2017-12-01T18:30:00"),
        ("20060413", "2006-04-13T00:00:00"),
        (" 20060413T1830 ", "2006-04-13T18:30:00"),
        ("20060413 183015", "2006-04-13T18:30:15"),
        ("20060413T183015.5Z", "2006-04-13T18:30:15.500000"),
        ("20060413T183015-0530", "2006-04-14T00:00:15"),
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
        "2017120",
        "20171301",
        "20171201T1",
        "20171201+0100",
        "2017-12-01T1830",
        "1512086400",
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


def test_compact_and_other_forms_may_be_mixed() -> None:
    parsed = parse_iso_8601(pl.Series(["20171201", "2017-12-02", None, "3/4/5"]))["timestamp"]
    days = [datetime.fromisoformat("2017-12-01"), datetime.fromisoformat("2017-12-02")]
    assert parsed.to_list() == [*days, None, None]


@settings(deadline=None)
@given(moment=MOMENTS, zone=st.none() | OFFSETS | st.just(UTC))
def test_compact_times_agree_with_the_standard_library(
    moment: datetime, zone: timezone | None
) -> None:
    stamp = moment.replace(tzinfo=zone, microsecond=0)
    text = f"{stamp.year:04}{stamp:%m%dT%H%M%S%z}"
    assert parse_iso_8601(pl.Series([text])).row(0) == (naive_utc(stamp), zone is not None)


# Other formats

FEBRUARY = datetime.fromisoformat("2026-02-03T16:05:00")


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("%d/%m/%Y %H:%M", "3/2/2026 16:05"),
        ("%m/%d/%Y %I:%M %p", "2/3/2026 4:05 PM"),
        ("%d.%m.%y %H:%M", " 03.02.26 16:05 "),
        ("%d/%m/%Y %H:%M %z", "3/2/2026 17:05 +0100"),
        ("epoch-d", "20487.670138888891"),
        ("epoch-s", "1770134700"),
        ("epoch-s", "1770134700.0"),
        ("epoch-s", 1770134700),
        ("epoch-ms", "1770134700000"),
        ("epoch-us", 1770134700000000),
        ("epoch-ns", 1770134700000000000),
        ("excel", "46056.670138888891"),
    ],
)
def test_formats_that_are_given(pattern: str, value: str | float) -> None:
    parsed = TimestampFormat.of(pattern, None).parse(pl.Series([value, None]))["timestamp"]
    assert abs(parsed[0] - FEBRUARY) < timedelta(milliseconds=1)
    assert parsed[1] is None


@pytest.mark.parametrize("pattern", ["%d/%m/%Y", "epoch-s"])
def test_a_value_of_another_format_is_null(pattern: str) -> None:
    assert TimestampFormat(pattern).parse(pl.Series(["2026-02-03x"]))["timestamp"][0] is None


@pytest.mark.parametrize(("pattern", "zone"), [("dd/mm", None), ("", None), (None, "Mars/Base")])
def test_a_format_that_is_none_is_refused(pattern: str | None, zone: str | None) -> None:
    with pytest.raises(FormatError):
        TimestampFormat.of(pattern, zone)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-01-15T12:00:00", "2026-01-15T11:00:00"),
        ("2026-07-15T12:00:00", "2026-07-15T10:00:00"),
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00"),  # comes twice
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00"),  # never comes
        ("2026-07-15T12:00:00Z", "2026-07-15T12:00:00"),
    ],
)
def test_local_times_of_a_zone(local: str, utc: str) -> None:
    parsed = TimestampFormat.of(None, "Europe/Berlin").parse(pl.Series([local]))
    assert parsed["timestamp"][0] == datetime.fromisoformat(utc)


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["13/02/2026", "01/02/2026"], "%d/%m/%Y"),
        (["02/13/2026 8:05"], "%m/%d/%Y %H:%M"),
        (["12/13/10 8:05 PM"], "%m/%d/%y %I:%M %p"),
        (["13.02.2026 08:05:01"], "%d.%m.%Y %H:%M:%S"),
        (["Feb 13, 2026"], "%b %d, %Y"),
        (["1770134700", "1770134701"], "epoch-s"),
        ([1770134700123], "epoch-ms"),
        (["46056.67"], "excel"),
    ],
)
def test_a_guess_reads_all_values(values: list[str | int], pattern: str) -> None:
    assert pattern in [found for found, _ in guesses(pl.Series(values))]


def test_where_day_and_month_could_be_either_both_are_guessed() -> None:
    found = dict(guesses(pl.Series(["03/02/2026"])))
    assert {pattern: f"{moment:%d %b}" for pattern, moment in found.items()} == {
        "%d/%m/%Y": "03 Feb",
        "%m/%d/%Y": "02 Mar",
    }


@pytest.mark.parametrize("values", [["soon"], ["13/13/2026"], ["1512086400", "x"], []])
def test_there_may_be_no_guess(values: list[str]) -> None:
    assert list(guesses(pl.Series(values, dtype=pl.String))) == []
