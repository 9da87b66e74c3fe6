"""One request for recommendations, as the service, the builder and the tests make it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def _list(description: str) -> Any:
    """An array that may be left out. A default of [] would be deep-copied for every request."""
    shown: dict[str, Any] = {"default": []}
    return Field(default_factory=list, description=description, json_schema_extra=shown)


class RecommendRequest(BaseModel):
    """A user, what is in the basket, and how many recommendations to make for them."""

    # Strict: what the OpenAPI document calls a string or an integer is one, and "20" is not 20.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    user_id: str | None = Field(None, description="The user; null or unknown means a stranger.")
    basket: list[str] = _list("The items in the basket.")
    k: int = Field(20, description="Number of recommendations wanted.")
    exclude_items: list[str] = _list("Items that must not be recommended.")
    exclude_categories: list[str] = _list("Categories that must not be recommended.")
    include_categories: list[str] = _list(
        "Categories of which every recommendation has to be; an empty list sets no limit."
    )
    exclude_purchased: bool | int | None = Field(
        None,
        description="Whether to leave out what the user has bought before: true for ever, a number "
        "for the last so many days. Null leaves it to the business rules, false to nobody.",
    )
    explain: bool = Field(False, description="Whether each recommendation comes with its reasons.")
    store_id: str | None = Field(
        None, description="The store whose business rules and stock apply; null for none."
    )
    timeout_ms: int | None = Field(
        None,
        description="Milliseconds the answer may take; if they are few, less work is done and the "
        "answer is `degraded`. Null sets no limit.",
    )
