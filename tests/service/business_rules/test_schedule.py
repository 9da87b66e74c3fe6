"""Schedules: when a rule is in force, and until when that does not change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.business_rules.schedule import Schedule

BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
ALWAYS = (float("-inf"), float("inf"))


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def test_from_is_included_and_until_is_not() -> None:
    schedule = Schedule(100, 200, frozenset(), None, UTC)
    assert [schedule.holds(now) for now in (99.9, 100, 199.9, 200)] == [False, True, True, False]
    assert [schedule.next_look(now) for now in (0, 100, 150)] == [100, 200, 200]
    assert schedule.next_look(200) == float("inf")


@pytest.mark.parametrize(
    ("time", "holds"), [("07:59", False), ("08:00", True), ("12:29", True), ("12:30", False)]
)
@pytest.mark.parametrize("day", ["2026-01-15", "2026-07-15"])  # an hour apart in UTC
def test_hours_are_local_all_year(day: str, time: str, holds: bool) -> None:
    schedule = Schedule(*ALWAYS, frozenset(), (8 * 60, 12 * 60 + 30), BERLIN)
    assert schedule.holds(at(f"{day}T{time}")) is holds


@pytest.mark.parametrize(
    ("time", "holds"), [("21:59", False), ("22:00", True), ("05:59", True), ("06:00", False)]
)
def test_hours_may_span_midnight(time: str, holds: bool) -> None:
    schedule = Schedule(*ALWAYS, frozenset(), (22 * 60, 6 * 60), BERLIN)
    assert schedule.holds(at(f"2026-03-01T{time}")) is holds


def test_a_weekday_is_that_of_the_local_moment() -> None:
    schedule = Schedule(*ALWAYS, frozenset({5, 6}), None, BERLIN)  # the weekend
    assert not schedule.holds(at("2026-11-20T23:59"))
    assert schedule.holds(at("2026-11-21T00:00"))  # still Friday in UTC
    assert schedule.holds(at("2026-11-22T23:59"))
    assert not schedule.holds(at("2026-11-23T00:00"))


hours = st.none() | st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(
    lambda each: each[0] != each[1]
)


@given(
    st.builds(
        Schedule,
        st.floats(1.7e9, 1.8e9),
        st.floats(1.7e9, 1.8e9),
        st.frozensets(st.integers(0, 6)),
        hours,
        st.sampled_from([BERLIN, UTC, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")]),
    ),
    st.floats(1.7e9, 1.8e9),
    st.floats(0, 1),
)
def test_nothing_changes_before_the_next_look(schedule: Schedule, now: float, part: float) -> None:
    until = min(schedule.next_look(now), now + 1e6)
    assert until > now
    between = now + part * (until - now)
    if between < until:
        assert schedule.holds(between) == schedule.holds(now)
