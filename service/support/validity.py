"""What is valid in a purchase, a request or a product: one definition, for builder and service.

What the builder accepts can be asked for, and what a live purchase may hold can be built from.
Pydantic and polars check by these values, each in its own way.
"""

from datetime import UTC, datetime, timedelta

ID_CHARS = 128
"""The greatest length of an id, and of a category's name, in characters."""

SPACES = "".join(
    map(chr, [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029])
) + "".join(map(chr, [0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF]))
"""Spaces, line ends and invisible marks; around an id or a name they do not belong to it."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest moment of a purchase."""

FARTHEST_AHEAD = timedelta(days=1)
"""How far a purchase may be in the future.

A moment without a timezone is taken for UTC, and the local time of a shop is up to 14 hours ahead.
A moment that is farther ahead is wrong. If a bundle were built from it, all live purchases until
then would be older than the bundle, and would not count.
"""

LARGEST_NUMBER = 1e12
"""The largest quantity or price; the smallest quantity is its negative."""


def tidied(text: str) -> str:
    """Return an id or a name without the spaces around it."""
    return text.strip(SPACES)


def latest(now: datetime) -> datetime:
    """Return the latest moment that a purchase may have."""
    return now + FARTHEST_AHEAD


def is_cancellation(quantity: float | None) -> bool:
    """Whether a line takes a purchase back instead of adding one; no quantity means one piece."""
    return quantity is not None and quantity <= 0
