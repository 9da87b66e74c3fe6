"""An event: one purchase, in the same form over HTTP and over Kafka."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
)
from pydantic_core import PydanticCustomError

from service.settings import Settings
from service.support.validity import EARLIEST, LARGEST_NUMBER, tidied

_END = datetime(9999, 1, 1, tzinfo=UTC)  # later moments overflow in some timezones

_ZONE = re.compile(r"(?:Z|[+-]\d\d:?(?:\d\d)?)\s*$", re.ASCII | re.IGNORECASE)
_SHAPE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", re.ASCII)  # how it begins


def _written(moment: Any) -> Any:
    """Refuse numbers, which pydantic reads as seconds since 1970, and dates without a time."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and _SHAPE.match(moment)):
        return moment
    raise PydanticCustomError("shape", "a date and a time, such as 2026-01-31T12:00:00Z")


def _in_utc(moment: datetime) -> datetime:
    """Convert to UTC; a moment without a timezone is in UTC, as it is for the builder."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not EARLIEST <= aware < _END:
        raise PydanticCustomError("moment", "a moment since 1970 and before 9999")
    return aware.astimezone(UTC)


def _named(text: str) -> str:
    """Remove the spaces around an id, as the builder does."""
    if not (name := tidied(text)):
        raise PydanticCustomError("blank", "an id that is not blank")
    return name


def lacks_timezone(event: bytes) -> bool:
    """Whether the timestamp of a valid event names no timezone, so that it counts as UTC."""
    return _ZONE.search(json.loads(event)["timestamp"]) is None


class RawEvent(NamedTuple):
    """The text of an event before it is parsed, and its source (see `DeadLetter`)."""

    source: str
    text: bytes


class Event(BaseModel):
    """An item that a user bought: a line of the builder's transactions."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    event_id: str
    user_id: str
    basket_id: str
    item_id: str
    timestamp: Annotated[datetime, BeforeValidator(_written), AfterValidator(_in_utc)] = Field(
        strict=False,  # what `_written` returns no longer counts as JSON
        description="ISO 8601, a date and a time; UTC where it names no timezone.",
    )
    quantity: float | None = Field(
        None,
        ge=-LARGEST_NUMBER,
        le=LARGEST_NUMBER,
        allow_inf_nan=False,
        description="0 or less is a cancellation: it takes back the latest purchase of the item.",
    )
    price: float | None = Field(None, ge=0, le=LARGEST_NUMBER, allow_inf_nan=False)

    @property
    def timestamp_us(self) -> int:
        """Microseconds since 1970."""
        return (self.timestamp - EARLIEST) // timedelta(microseconds=1)


def event_type(settings: Settings) -> type[Event]:
    """Return `Event` with the limits of `settings`; ids must not be blank, as in the builder."""
    limit = StringConstraints(min_length=1, max_length=settings.id_limit_chars, pattern=r"\S")
    text = Annotated[str, limit]
    name = Annotated[text, AfterValidator(_named)]
    return create_model(
        "Event",
        __base__=Event,
        __doc__=Event.__doc__,
        event_id=(text, Field(description="An event that is sent again counts once.")),
        user_id=(name, ...),
        basket_id=(name, Field(description="The purchases of one order share it.")),
        item_id=(name, ...),
    )
