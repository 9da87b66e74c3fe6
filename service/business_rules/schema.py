"""The schema of a rules file.

Every scalar arrives as text (see `_yaml`), and the type of its field decides how it is read: an
item id of digits stays text, and a factor has to be a number.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from service.business_rules.schedule import Schedule
from service.support.durations import MOST_DAYS
from service.support.validity import tidied

_RULES = 10_000  # in a file

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _tidied(value: Any) -> Any:
    return tidied(value) if isinstance(value, str) else value


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("expected a date or a time, as 2026-12-01 or 2026-12-01T08:00") from None


def _minutes(value: Any) -> tuple[int, int]:
    parts = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise ValueError("expected hours, as 08:00-12:30")
    first, second, third, fourth = map(int, parts.groups())
    start, stop = first * 60 + second, third * 60 + fourth
    if start == stop or stop > 24 * 60:
        raise ValueError("expected hours that begin and end within a day, at different times")
    return start, stop


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected a time zone, as Europe/Berlin") from None
    return name


_Text = Annotated[str, BeforeValidator(_tidied), StringConstraints(min_length=1, max_length=200)]
_Texts = Annotated[list[_Text], BeforeValidator(_several), Field(min_length=1)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Moment = Annotated[datetime, BeforeValidator(_moment)]
_Weekdays = Annotated[
    list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], BeforeValidator(_several)
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PriceBand(_Part):
    """Prices from `min` to `max`, both included."""

    min: _Number = 0
    max: Annotated[float, Field(ge=0)] = float("inf")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if not self.min <= self.max:
            raise ValueError(f"expected a price band, found {self.min:g} to {self.max:g}")
        return self


class _BusinessRule(_Part):
    name: _Text
    priority: int = 0
    item: _Texts | None = None
    category: _Texts | None = None
    brand: _Texts | None = None
    price: PriceBand | None = None
    store: _Texts | None = None
    begins: _Moment | None = Field(None, alias="from")
    until: _Moment | None = None
    weekdays: _Weekdays = []
    hours: Annotated[tuple[int, int], BeforeValidator(_minutes)] | None = None

    @model_validator(mode="after")
    def _has_conditions(self) -> Self:
        conditions = (self.item, self.category, self.brand, self.price)
        if all(each is None for each in conditions):
            raise ValueError("expected at least one of item, category, brand, price")
        return self

    def schedule(self, zone: ZoneInfo) -> Schedule | None:
        """When the rule is in force; None for always. Moments without an offset are in `zone`.

        Raises:
            ValueError: the rule ends before it begins.
        """
        if not (self.begins or self.until or self.weekdays or self.hours):
            return None
        begins, ends = _epoch(self.begins, zone, -1), _epoch(self.until, zone, 1)
        if begins >= ends:
            raise ValueError(f"the rule ends ({self.until}) before it begins ({self.begins})")
        weekdays = frozenset(map(_WEEKDAYS.index, self.weekdays))
        return Schedule(begins, ends, weekdays, self.hours, zone)


class Exclude(_BusinessRule):
    """These items are not recommended."""

    action: Literal["exclude"]


class ExcludePurchased(_BusinessRule):
    """These items are not recommended to who has bought them, ever or within the last days."""

    action: Literal["exclude_purchased"]
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = None


class Boost(_BusinessRule):
    """The score of these items grows by log(factor)."""

    action: Literal["boost"]
    factor: Annotated[_Number, Field(gt=1)]


class Bury(_BusinessRule):
    """The score of these items falls: factor is below 1."""

    action: Literal["bury"]
    factor: Annotated[_Number, Field(gt=0, lt=1)]


class Pin(_BusinessRule):
    """The best of these items takes a place in the list; the first place is 1."""

    action: Literal["pin"]
    place: Annotated[int, Field(ge=1)]


class Minimum(_BusinessRule):
    """At least `count` of these items are in the list."""

    action: Literal["minimum"]
    count: Annotated[int, Field(ge=1)]


class Maximum(_BusinessRule):
    """At most `count` of these items are in the list."""

    action: Literal["maximum"]
    count: Annotated[int, Field(ge=1)]


BusinessRule = Exclude | ExcludePurchased | Boost | Bury | Pin | Minimum | Maximum


class RulesFile(_Part):
    """A whole file, with the time zone of moments, weekdays and hours."""

    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    rules: Annotated[
        list[Annotated[BusinessRule, Field(discriminator="action")]], Field(max_length=_RULES)
    ]


def _epoch(moment: datetime | None, zone: ZoneInfo, sign: int) -> float:
    if moment is None:
        return sign * float("inf")
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (OverflowError, OSError):  # on the first and the last day of the calendar
        return sign * float("inf")
