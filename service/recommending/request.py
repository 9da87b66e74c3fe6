"""One request for recommendations, as the service, the builder and the tests make it."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RecommendRequest"]


class RecommendRequest(BaseModel):
    """A user, what is in the basket, and how many recommendations to make for them."""

    # Strict: what the OpenAPI document calls a string or an integer is one, and "20" is not 20.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    user_id: str | None = None
    basket: list[str] = Field(default_factory=list)
    k: int = 20
    exclude_items: list[str] = Field(default_factory=list)
    exclude_categories: list[str] = Field(default_factory=list)
    explain: bool = False
    store_id: str | None = None
    timeout_ms: int | None = None
