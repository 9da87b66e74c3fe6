"""Schedules: the times in which a business rule is in force."""

from datetime import datetime, tzinfo
from typing import NamedTuple

_MINUTE_S = 60
_DAY_MINUTES = 24 * 60


class Schedule(NamedTuple):
    """The times in which a business rule is in force: all conditions must be met.

    Attributes:
        begins: epoch seconds, included.
        ends: epoch seconds, excluded.
        weekdays: local weekdays, Monday is 0; empty for all.
        hours: first and last minute of the local day, the last excluded; they span midnight if the
            first is larger. None for the whole day.
        zone: the time zone of weekdays and hours.
    """

    begins: float
    ends: float
    weekdays: frozenset[int]
    hours: tuple[int, int] | None
    zone: tzinfo

    def holds(self, now: float) -> bool:
        """Whether the rule is in force at `now`, in epoch seconds."""
        if not self.begins <= now < self.ends:
            return False
        if not self.weekdays and self.hours is None:
            return True
        local = datetime.fromtimestamp(now, self.zone)
        if self.weekdays and local.weekday() not in self.weekdays:
            return False
        if self.hours is None:
            return True
        start, stop = self.hours
        minute = local.hour * 60 + local.minute
        return start <= minute < stop if start < stop else minute >= start or minute < stop

    def next_look(self, now: float) -> float:
        """The moment, in epoch seconds, until which `holds` does not change.

        Hours and weekdays change at full minutes in every time zone.
        """
        coming = [moment for moment in (self.begins, self.ends) if moment > now]
        if self.weekdays or self.hours is not None:
            coming.append((now // _MINUTE_S + 1) * _MINUTE_S)
        return min(coming, default=float("inf"))
