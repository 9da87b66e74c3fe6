"""What several routes share: the limits of requests, and the fields that answers begin with."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    create_model,
)
from pydantic_core import PydanticCustomError
from starlette.convertors import PathConvertor, register_url_convertor

from service.bundle.catalogue import Catalogue
from service.serving.served import Served
from service.settings import TIMEOUT_LIMIT_MS, Settings
from service.support.durations import MOST_DAYS
from service.support.validity import tidied
from service.telemetry.logs import request_id


class IdConvertor(PathConvertor):
    """An id in a path, `{item_id:id}`: any characters, slashes and line ends too."""

    regex = "(?s:.*)"


register_url_convertor("id", IdConvertor())

_Request = TypeVar("_Request", bound=BaseModel)


TIDIED = AfterValidator(lambda text: text and tidied(text))
"""Removes the spaces around an id or a name, beside `id_length`; null stays as it is."""


WHOLE = BeforeValidator(lambda value: _whole(value))
"""Takes 20.0 for the integer 20, as JSON does."""


class RequestBody(BaseModel):
    """A body whose fields are taken as they are: "20" is not 20, and unknown ones are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def id_length(settings: Settings) -> StringConstraints:
    """Return the limits of every id and name in a request, for use in `Annotated`."""
    return StringConstraints(min_length=1, max_length=settings.id_limit_chars)


def request_type(settings: Settings, base: type[_Request]) -> type[_Request]:
    """Return `base` with the limits of `settings`, for validation and OpenAPI alike.

    A field of one of the names below has the same limits in every request. The rest of it, such as
    its description, is as in `base`.
    """
    text = Annotated[str, id_length(settings)]
    known_name = Annotated[text, TIDIED]
    items = Annotated[list[text], Field(max_length=settings.basket_limit)]
    categories = Annotated[list[text], Field(max_length=settings.exclude_limit)]
    within = Field(ge=1, le=TIMEOUT_LIMIT_MS)
    limited = {
        "user_id": known_name | None,
        "store_id": known_name | None,
        "basket": items,
        "items": items,
        "exclude_items": Annotated[list[text], Field(max_length=settings.exclude_limit)],
        "exclude_categories": categories,
        "include_categories": categories,
        "exclude_purchased": Annotated[Any, PlainValidator(_purchased), WithJsonSchema(_PURCHASED)],
        "events": Annotated[list[Any], Field(max_length=settings.events_batch_limit)],
        "k": Annotated[int, Field(ge=1, le=settings.k_limit), WHOLE],
        "timeout_ms": Annotated[int, within, WHOLE] | None,
    }
    known = base.model_fields
    fields: dict[str, Any] = {
        name: Annotated[limited[name], field] for name, field in known.items() if name in limited
    }
    for name, field in known.items():
        if field.default_factory is list and name in limited:  # it may be left out, or null
            fields[name] = Annotated[limited[name] | None, field, AfterValidator(_or_empty)]
    if "k" in fields:
        fields["k"] = fields["k"], min(known["k"].default, settings.k_limit)
    if "timeout_ms" in fields:
        fields["timeout_ms"] = fields["timeout_ms"], settings.timeout_ms
    return create_model(base.__name__, __base__=base, __doc__=base.__doc__, **fields)


def _or_empty(value: list[str] | None) -> list[str]:
    """Take null for the empty list: many clients write what they have not set as null."""
    return [] if value is None else value


_PURCHASED = {
    "anyOf": [
        {"type": "boolean"},
        {"type": "integer", "minimum": 1, "maximum": MOST_DAYS},
        {"type": "null"},
    ]
}


def _purchased(value: Any) -> Any:
    """Check what stands for purchases to leave out; a union would give two errors for one."""
    value = _whole(value)
    if value is None or isinstance(value, bool) or (type(value) is int and 0 < value <= MOST_DAYS):
        return value
    raise PydanticCustomError("purchased", f"true, false, null or days from 1 to {MOST_DAYS}")


def _whole(value: Any) -> Any:
    """Take 20.0 for the integer 20, as JSON does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Answer(BaseModel):
    """The fields that every answer from a bundle begins with."""

    request_id: str
    bundle_id: str

    @classmethod
    def to_request(cls, served: Served, **fields: Any) -> Self:
        """Return the answer of `served` to the current request."""
        return cls(request_id=request_id.get(), bundle_id=served.bundle.bundle_id, **fields)


class CatalogueItem(BaseModel):
    """The fields that every item of an answer begins with."""

    item_id: str
    name: str
    category: str

    @classmethod
    def at(cls, item_index: int, catalogue: Catalogue, **fields: Any) -> Self:
        """Return the item with this index, and the fields that a subclass adds."""
        return cls(
            item_id=catalogue.item_ids[item_index],
            name=catalogue.names[item_index],
            category=catalogue.categories[item_index],
            **fields,
        )


Moment = Annotated[datetime, BeforeValidator(lambda epoch_s: datetime.fromtimestamp(epoch_s, UTC))]
"""A date and a time in an answer, made from epoch seconds."""
