"""Schedules: the times in which a rule holds."""

from datetime import datetime, tzinfo
from typing import NamedTuple

__all__ = ["Schedule"]

_MINUTE_S = 60
_DAY_MINUTES = 24 * 60


class Schedule(NamedTuple):
    """When a rule holds: all that is given must be so.

    Attributes:
        begins: epoch seconds, from when on.
        ends: epoch seconds, from when on no more.
        weekdays: of the local moment, Monday is 0; empty for all of them.
        hours: local minutes of the day from which and until which; beyond midnight if the first
            is the larger. None for the whole day.
        zone: where weekdays and hours are looked up.
    """

    begins: float
    ends: float
    weekdays: frozenset[int]
    hours: tuple[int, int] | None
    zone: tzinfo

    def holds(self, now: float) -> bool:
        """Whether `now`, in epoch seconds, lies within."""
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
        """The moment, in epoch seconds, until which what `holds` says of `now` stays true.

        Hours and weekdays turn on a full minute, in every time zone.
        """
        coming = [moment for moment in (self.begins, self.ends) if moment > now]
        if self.weekdays or self.hours is not None:
            coming.append((now // _MINUTE_S + 1) * _MINUTE_S)
        return min(coming, default=float("inf"))
