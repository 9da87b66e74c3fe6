"""Timestamps: naive UTC, to the microsecond.

A time with a timezone is converted to UTC. A time without one is taken for UTC, unless the shop's
timezone is given.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from index_builder.transactions.tables import FormatError
from index_builder.transactions.tables.findings import SAMPLE
from service.support.validity import latest

EXAMPLES = "2017-12-01, 20171201, 2017-12-01T18:30:00Z or 2017-12-01 18:30:00+01:00"

_ISO_8601 = (
    r"^\s*(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?<minute>[0-9]{2}:[0-9]{2})(?<second>:[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"\s?(?<zone>Z|UTC|GMT|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?)?\s*$"
)
_COMPACT = (  # ISO 8601 without its marks, as 20171201 or 20171201T183000Z
    r"^\s*([0-9]{4})([0-9]{2})([0-9]{2})"
    r"(?:[T ]([0-9]{2})([0-9]{2})(?:([0-9]{2})(\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}(?:[0-9]{2})?)?)?\s*$"
)

# Formats that are no patterns: numbers, as microseconds since 1970 = number * unit + start.
_NUMBERS = {
    "epoch-d": (86_400e6, 0.0),
    "epoch-s": (1_000_000.0, 0.0),
    "epoch-ms": (1_000.0, 0.0),
    "epoch-us": (1.0, 0.0),
    "epoch-ns": (0.001, 0.0),
    "excel": (86_400e6, -25_569 * 86_400e6),  # days since 1899-12-30
}

# What is guessed, the likelier first.
_DATES = (
    *(
        pattern.replace("/", mark)
        for pattern in ("%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d/%m/%y", "%m/%d/%y")
        for mark in "/.-"
    ),
    *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%a, %d %b %Y", "%Y%m%d"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S %z", "T%H:%M:%S")
_OTHERS = ("%a %b %d %H:%M:%S %Y", "%Y%m%d%H%M%S", "%Y%m%d%H%M", *_NUMBERS)
_LIKELY_SINCE = datetime.fromisoformat("1990-01-01")  # or all small numbers would be moments


@dataclass(frozen=True)
class TimestampFormat:
    """How timestamps are written.

    Attributes:
        pattern: as of `strptime`, or epoch-d (days), epoch-s, epoch-ms, epoch-us, epoch-ns or
            excel; None: ISO 8601.
        zone: the timezone of times that name none.
    """

    pattern: str | None = None
    zone: str = "UTC"

    @classmethod
    def of(cls, pattern: str | None, zone: str | None) -> "TimestampFormat":
        """Makes a format of what was typed.

        Raises:
            FormatError: the pattern is none, or there is no such timezone.
        """
        if pattern is not None and pattern not in _NUMBERS and "%" not in pattern:
            raise FormatError(
                f"timestamp format: expected a pattern such as %d/%m/%Y, or one of "
                f"{', '.join(_NUMBERS)}, found {pattern!r}"
            )
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise FormatError(
                f"timezone: expected a name such as Europe/Berlin, found {zone!r}"
            ) from error
        return cls(pattern, zone or "UTC")

    def parse(self, values: pl.Series) -> pl.DataFrame:
        """Parses strings or numbers.

        Returns:
            One row per value: `timestamp`, Datetime("us") in UTC, null where the value is no
            timestamp; `zoned`, whether it names its timezone.
        """
        if self.pattern is None:
            return parse_iso_8601(values.cast(pl.String)).with_columns(
                timestamp=pl.when("zoned").then("timestamp").otherwise(self.localised())
            )
        values = values.str.strip_chars() if values.dtype == pl.String else values
        if self.pattern in _NUMBERS:
            unit, start = _NUMBERS[self.pattern]
            number = values.cast(pl.Float64, strict=False) * unit + start
            parsed = number.round().cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
            is_utc = self.pattern != "excel"  # a sheet shows local time
        else:
            texts = values.cast(pl.String)
            found = texts.str.to_datetime(self.pattern, time_unit="us", strict=False)
            is_zoned = isinstance(found.dtype, pl.Datetime) and found.dtype.time_zone is not None
            is_utc = is_zoned or _names_utc(self.pattern)
            parsed = found.dt.replace_time_zone(None)
        return pl.select(parsed.alias("timestamp")).select(
            timestamp=pl.col("timestamp") if is_utc else self.localised(), zoned=pl.lit(is_utc)
        )

    def localised(self) -> pl.Expr:
        """The column `timestamp` of local times, as naive UTC.

        Of an hour that comes twice it is the first; one that a zone leaves out is read as an hour
        later.
        """
        local = pl.col("timestamp")
        if self.zone == "UTC":
            return local
        return pl.coalesce(
            each.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
            .dt.convert_time_zone("UTC")
            .dt.replace_time_zone(None)
            for each in (local, local + pl.duration(hours=1))
        )


def guesses(values: pl.Series) -> Iterator[tuple[str, datetime]]:
    """Yields patterns that read all values, with what they make of the first, as naive UTC."""
    sample = values.drop_nulls().unique(maintain_order=True).head(SAMPLE)
    patterns = [date + time for date in _DATES for time in _TIMES]
    last = naive_utc(latest(datetime.now(UTC)))
    for pattern in (*patterns, *_OTHERS):
        times = TimestampFormat(pattern).parse(sample)["timestamp"]
        if len(times) and times.is_between(_LIKELY_SINCE, last).fill_null(value=False).all():
            yield pattern, times[0]


def parse_iso_8601(texts: pl.Series) -> pl.DataFrame:
    """Parses ISO 8601 dates and times, with or without marks between their parts.

    Args:
        texts: strings.

    Returns:
        One row per string: `timestamp`, Datetime("us") in UTC, null where the string is no
        timestamp; `zoned`, whether it names its timezone.
    """
    parts = texts.str.extract_groups(_ISO_8601).struct.unnest()
    if parts["date"].null_count() > texts.null_count():
        compact = _of_compact(texts)
        parts = parts.select(pl.coalesce(pl.col(part.name), part) for part in compact)
    offset = (
        pl.col("zone")
        .replace({"Z": "+00", "UTC": "+00", "GMT": "+00"})
        .str.replace(":", "", literal=True)
    )
    minutes = offset.str.slice(1, 2).cast(pl.Int64) * 60 + (
        offset.str.slice(3, 2).replace("", "0").cast(pl.Int64)
    )
    ahead = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes).fill_null(0)
    local = pl.concat_str(
        "date", pl.lit("T"), pl.col("minute").fill_null("00:00"), pl.col("second").fill_null(":00")
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    return parts.select(
        timestamp=local - pl.duration(minutes=ahead),
        zoned=pl.col("zone").is_not_null(),
    )


def naive_utc(timestamp: datetime) -> datetime:
    """The same moment as naive UTC."""
    return timestamp.astimezone(UTC).replace(tzinfo=None) if timestamp.tzinfo else timestamp


def _names_utc(pattern: str) -> bool:
    """Whether times are seconds since 1970, or end in a name of UTC that is part of the pattern."""
    directives = re.findall("%.", pattern)
    rest = re.sub("%.", "%", pattern).rstrip()
    return "%s" in directives or rest.endswith(("Z", "UTC", "GMT"))


def _of_compact(texts: pl.Series) -> list[pl.Series]:
    """The columns date, minute, second and zone of compact times, null for others."""
    groups = texts.str.extract_groups(_COMPACT).struct.rename_fields(list("ymdHMSfz"))
    marked = groups.struct.unnest().select(
        date=pl.concat_str("y", "m", "d", separator="-"),
        minute=pl.concat_str("H", "M", separator=":"),
        second=pl.lit(":") + pl.col("S") + pl.col("f").fill_null(""),
        zone="z",
    )
    return marked.get_columns()
