"""Timestamps: naive UTC, to the microsecond.

A time with a timezone is converted to UTC. A time without one is taken for UTC; a shop that writes
local time in all its rows loses nothing by that.
"""

from datetime import UTC, datetime

import polars as pl

EXAMPLES = "2017-12-01, 2017-12-01T18:30:00, 2017-12-01T18:30:00Z or 2017-12-01 18:30:00+01:00"

_ISO_8601 = (
    r"^\s*(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?<minute>[0-9]{2}:[0-9]{2})(?<second>:[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"\s?(?<zone>Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?)?\s*$"
)


def parse_iso_8601(texts: pl.Series) -> pl.DataFrame:
    """Parses ISO 8601 dates and times.

    Args:
        texts: strings.

    Returns:
        One row per string: `timestamp`, Datetime("us") in UTC, null where the string is no
        timestamp; `zoned`, whether it names its timezone.
    """
    parts = texts.str.extract_groups(_ISO_8601).struct.unnest()
    offset = pl.col("zone").str.replace("Z", "+00", literal=True).str.replace(":", "", literal=True)
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
