"""The events of a batch, sorted: which are on time, which early, and which are refused and why."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.events.batch import SortedBatch, sort_batch
from service.events.errors import ClockError
from service.events.event import RawEvent, event_type
from service.settings import Settings
from tests.service.events.conftest import NOW, ahead, raw

WRITTEN = "timestamp: expected a date and a time, such as"
FAR = "timestamp: expected a moment that is at most a day ahead"
KIND = event_type(Settings(id_limit_chars=10))


def sort(*batch: RawEvent, clock_is_right: bool = False) -> SortedBatch:
    return sort_batch(batch, KIND, 1_000_000 * int(NOW.timestamp()), clock_is_right)


@given(
    minutes=st.lists(st.none() | st.sampled_from([-9999, 0, 5, 6, 1440, 1441]), max_size=6),
    clock_is_right=st.booleans(),
)
def test_each_event_is_on_time_early_or_refused(
    minutes: list[int | None], clock_is_right: bool
) -> None:
    batch = [
        raw(colour="red") if m is None else raw(n, timestamp=ahead(m))
        for n, m in enumerate(minutes)
    ]
    usable = {n: m for n, m in enumerate(minutes) if m is not None}
    if usable and min(usable.values()) > 5 and not clock_is_right:
        with pytest.raises(ClockError):
            sort(*batch)
        return
    found = sort(*batch, clock_is_right=clock_is_right)
    assert [*found.on_time] == [n for n, m in usable.items() if m <= 5]
    assert [*found.early] == [n for n, m in usable.items() if 5 < m <= 1440]
    assert {n for n, why in found.refused.items() if why.startswith(FAR)} == {
        n for n, m in usable.items() if m > 1440
    }
    assert {*found.refused} == {n for n, m in enumerate(minutes) if m is None or m > 1440}
    for n, event in (found.on_time | found.early).items():
        assert event.event_id == f"e{n}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T12:00:00.25", datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31 12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_moments_are_utc_unless_they_say_otherwise(written: str, meant: datetime) -> None:
    assert sort(raw(timestamp=written)).on_time[0].timestamp == meant


def test_a_moment_from_the_future_without_a_timezone_is_told() -> None:
    for written, hint in (("2026-07-03T12:00:00", True), ("2026-07-03T12:00:00+02:00", False)):
        early = raw(2, timestamp=written)
        reason = sort(raw(1), early).refused[1]
        assert ("without a timezone it counts as UTC" in reason) is hint
        with pytest.raises(ClockError) as raised:
            sort(early)
        assert ("without a timezone it counts as UTC" in str(raised.value)) is hint


def test_a_moment_that_is_too_far_ahead_is_told_in_utc() -> None:
    assert sort(raw(1), raw(2, timestamp="9998-12-31T01:00:00-12:00")).refused == {
        1: f"{FAR}, found 9998-12-31T13:00:00Z."
    }


def test_spaces_around_an_id_do_not_belong_to_it() -> None:
    spaced = raw(1, user_id=" user-0\u200b", item_id="\titem-1", basket_id="\u00a0b ")
    event = sort(spaced).on_time[0]
    assert (event.user_id, event.basket_id, event.item_id) == ("user-0", "b", "item-1")
    refused = sort(raw(2, item_id="\u200b\ufeff")).refused
    assert refused[0].startswith("item_id: expected an id that is not blank")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"timestamp": "yesterday"}, WRITTEN),
        ({"timestamp": "2026-01-31"}, WRITTEN),
        ({"timestamp": "20260131"}, WRITTEN),
        ({"timestamp": "1769860800.5"}, WRITTEN),
        ({"timestamp": "20260131T120000Z"}, WRITTEN),
        ({"timestamp": "2026-01-31_12:00"}, WRITTEN),
        ({"timestamp": "2026-01-31T25:00"}, "timestamp: expected a moment, as of ISO 8601"),
        ({"timestamp": "2026-01-31T12:00:00X"}, "timestamp: expected a moment, as of ISO 8601"),
        ({"timestamp": 1_700_000_000}, WRITTEN),
        ({"timestamp": None}, WRITTEN),
        ({"timestamp": "1969-12-31T23:00:00"}, "timestamp: expected a moment since 1970"),
        ({"timestamp": "9999-12-31T23:59:59-12:00"}, "timestamp: expected a moment since 1970"),
        ({"timestamp": "0001-01-01T00:00:00+05:00"}, "timestamp: expected a moment since 1970"),
        ({"event_id": ""}, "event_id: expected at least 1 character"),
        ({"user_id": None}, "user_id: expected a string, found null."),
        ({"basket_id": " \t"}, "basket_id: expected a string that matches"),
        ({"item_id": "much too long"}, "item_id: expected at most 10 characters"),
        ({"quantity": "two"}, "quantity: expected a number, found"),
        ({"quantity": float("nan")}, "quantity: "),
        ({"price": -1}, "price: expected 0.0 or more, found -1."),
        ({"colour": "red"}, "colour: expected no such field"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    changes: dict[str, Any], reason: str
) -> None:
    found = sort(raw(1), raw(2, **changes), raw(3))
    assert [*found.on_time] == [0, 2]
    assert found.refused[1].startswith(reason)


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[1]", b"null", b'{"event_id": '])
def test_what_is_no_event_at_all_is_refused_too(text: bytes) -> None:
    assert [*sort(RawEvent("purchases/0/17", text)).refused] == [0]
