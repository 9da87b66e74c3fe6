"""`GET /users/{user_id}/profile`: what is known about a user."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from service.http.problems import ProblemError, documented
from service.http.readiness import require_served
from service.profiles.summary import summarise
from service.serving.serving import Serving
from service.settings import Settings
from service.telemetry.logs import request_id


class BoughtCategory(BaseModel):
    """A category, and how often the shopper bought from it."""

    category: str
    count: int


class ProfileResponse(BaseModel):
    """What is known of a shopper, as far as it is of catalogue items."""

    request_id: str
    bundle_id: str
    user_id: str
    baskets: int | None = Field(description="How many; null if the bundle keeps none.")
    first_purchase: datetime | None = Field(description="Null if the bundle keeps no baskets.")
    last_purchase: datetime
    categories: list[BoughtCategory] = Field(description="Most bought first.")


def users_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the route that sums up a user."""
    router = APIRouter()
    user = Path(min_length=1, max_length=settings.id_limit_chars)

    @router.get("/users/{user_id}/profile", responses=documented(404, 422, 500, 503))
    async def profile(user_id: Annotated[str, user]) -> ProfileResponse:
        """Sum up what is known of a shopper."""
        served = require_served(serving)
        known = await served.profile(user_id)
        if known is None:
            raise ProblemError(404, "No purchase by this user is known.")
        found = summarise(known, served.bundle.catalogue)
        return ProfileResponse(
            request_id=request_id.get(),
            bundle_id=served.bundle.bundle_id,
            user_id=user_id,
            baskets=found.baskets,
            first_purchase=_moment(found.first_purchase),
            last_purchase=datetime.fromtimestamp(found.last_purchase, UTC),
            categories=[
                BoughtCategory(category=category, count=count)
                for category, count in found.categories.items()
            ],
        )

    return router


def _moment(epoch_s: int | None) -> datetime | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)
