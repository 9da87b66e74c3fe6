"""What goes over the wire: the bodies of requests and responses."""

from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    create_model,
)
from pydantic.config import JsonDict

from service.recommending.answer import Source
from service.recommending.request import RecommendRequest
from service.settings import Settings


def whole(value: Any) -> Any:
    """Take 20.0 for the integer 20, as JSON does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _list(description: str, max_length: int | None = None) -> Any:
    """An array that may be left out. A default of [] would be deep-copied for every request."""
    shown: JsonDict = {"default": []}
    return Field(
        default_factory=list,
        max_length=max_length,
        description=description,
        json_schema_extra=shown,
    )


_Request = TypeVar("_Request", bound=RecommendRequest)


def request_type(settings: Settings, base: type[_Request]) -> type[_Request]:
    """Return a kind of `RecommendRequest` with the limits of `settings`.

    For validation and OpenAPI alike.
    """
    text = Annotated[str, StringConstraints(min_length=1, max_length=settings.id_limit_chars)]
    k_default = min(20, settings.k_limit)
    return create_model(
        base.__name__,
        __base__=base,
        __doc__=base.__doc__,
        user_id=(
            text | None,
            Field(None, description="The shopper; null, or one never seen, is a stranger."),
        ),
        basket=(
            list[text],
            _list("The items in the basket.", max_length=settings.basket_limit),
        ),
        k=(
            Annotated[int, BeforeValidator(whole)],
            Field(k_default, ge=1, le=settings.k_limit, description="Recommendations wanted."),
        ),
        exclude_items=(
            list[text],
            _list("Items that are not to be recommended."),
        ),
        exclude_categories=(
            list[text],
            _list("Categories no recommendation may come from."),
        ),
        explain=(bool, Field(False, description="Whether each recommendation gives its reasons.")),
        store_id=(
            text | None,
            Field(None, description="The store, whose rules and stock hold; null is none of them."),
        ),
        timeout_ms=(
            Annotated[int, Field(ge=1), BeforeValidator(whole)] | None,
            Field(
                settings.timeout_ms,
                description="Milliseconds the answer may take; where they are short, it rests on "
                "less work and is `degraded`. Null sets no limit.",
            ),
        ),
    )


class Reasons(BaseModel):
    """Why an item is recommended; the parts sum to its score before diversity."""

    anchor: str | None = Field(description="The basket item that contributed most.")
    basket: float
    user: float
    popularity: float
    rules: list[str] = Field(description="The business rules that touched the item, by name.")


class RecommendedItem(BaseModel):
    """One recommendation."""

    item_id: str
    name: str
    category: str
    score: float
    reasons: Reasons | None = Field(None, description="Only where `explain` was asked for.")


class RecommendResponse(BaseModel):
    """Recommendations, best first, and what they rest on."""

    request_id: str
    bundle_id: str
    source: Source
    degraded: bool = Field(
        description="Whether they rest on less than the request gave: its user, its basket or "
        "its store is unknown, or the time was short."
    )
    unknown_items: list[str] = Field(description="Basket items that are not in the catalogue.")
    took_ms: float
    recommendations: list[RecommendedItem]


class Health(BaseModel):
    """The state of the process that answered."""

    live: bool
    ready: bool
    bundle_id: str | None
    reason: str | None = Field(description="Why it is not ready.")
    previous_bundle_id: str | None = Field(description="What POST /admin/rollback goes back to.")
    bundle_refused: str | None = Field(description="Why the newest bundle does not answer.")
    rules_refused: str | None = Field(
        description="Why the newest business rules or availability are not in force."
    )
