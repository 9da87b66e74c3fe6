"""A batch of events, sorted: those to store now, those from the future and those to refuse."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from pydantic import ValidationError

from service.events.errors import ClockError
from service.events.event import Event, RawEvent, lacks_timezone
from service.support.invalid_fields import errors_of, sentence
from service.support.validity import FARTHEST_AHEAD

# A sender's clock may be so far ahead. Not farther: a build's moment is its last basket, and
# purchases before that moment no longer count as new.
TOLERATED_US = 5 * 60 * 1_000_000
_FARTHEST_US = FARTHEST_AHEAD // timedelta(microseconds=1)

_FAR = "timestamp: expected a moment that is at most a day ahead, found {:%Y-%m-%dT%H:%M:%SZ}"
_UNZONED = "without a timezone it counts as UTC: add one, such as +02:00"


class SortedBatch(NamedTuple):
    """The events of a batch by their positions in it, from 0.

    Attributes:
        on_time: events to store.
        early: events from the future, to keep until their time has come.
        refused: the reasons against the others.
    """

    on_time: dict[int, Event]
    early: dict[int, Event]
    refused: dict[int, str]


def sort_batch(
    batch: Sequence[RawEvent], kind: type[Event], now_us: int, clock_is_right: bool = False
) -> SortedBatch:
    """Parse the events of a batch and sort them.

    An event is early if it is from the future by more than five minutes, and refused if it is so
    by more than a day.

    Args:
        batch: the events.
        kind: from `event_type`, with the limits of the settings.
        now_us: the present, in microseconds since 1970.
        clock_is_right: whether to trust it even if all usable events are from the future.

    Raises:
        ClockError: they are, and it is not to be trusted then.
    """
    events, refused = _parsed(batch, kind)
    ahead_us = {position: event.timestamp_us - now_us for position, event in events.items()}
    early = {p: event for p, event in events.items() if ahead_us[p] > TOLERATED_US}
    if early and len(early) == len(events) and not clock_is_right:
        cause = "all events are from the future, or the clock of this machine is slow"
        unzoned = all(lacks_timezone(batch[position].text) for position in early)
        raise ClockError(f"{cause}; {_UNZONED}" if unzoned else cause)
    far = [p for p in early if ahead_us[p] > _FARTHEST_US]
    refused |= {p: _too_far(early.pop(p), batch[p].text) for p in far}
    on_time = {p: event for p, event in events.items() if ahead_us[p] <= TOLERATED_US}
    return SortedBatch(on_time, early, refused)


def _parsed(
    batch: Sequence[RawEvent], kind: type[Event]
) -> tuple[dict[int, Event], dict[int, str]]:
    """The valid events, and the reasons against the others, both by position."""
    events: dict[int, Event] = {}
    reasons: dict[int, str] = {}
    for position, raw in enumerate(batch):
        try:
            events[position] = kind.model_validate_json(raw.text)
        except ValidationError as error:
            reasons[position] = sentence(errors_of(error))
    return events, reasons


def _too_far(event: Event, text: bytes) -> str:
    reason = _FAR.format(event.timestamp)
    return f"{reason}; {_UNZONED}." if lacks_timezone(text) else f"{reason}."
