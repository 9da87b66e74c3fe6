"""What is known about a user: `GET /users/{user_id}/profile`."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.http.problems import ProblemError, documented
from service.http.readiness import require_served
from service.http.schemas import Answer, Moment, id_length
from service.profiles.summary import summarise
from service.serving.serving import Serving
from service.settings import Settings


class BoughtCategory(BaseModel):
    """A category, and how often the user bought from it."""

    category: str
    count: int


class ProfileResponse(Answer):
    """What is known about a user; purchases of items outside the catalogue do not count."""

    user_id: str
    baskets: int | None = Field(description="How many; null if the bundle keeps none.")
    first_purchase: Moment | None = Field(description="Null if the bundle keeps no baskets.")
    last_purchase: Moment
    categories: list[BoughtCategory] = Field(description="Most bought first.")


def users_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the route that sums up a user."""
    router = APIRouter()

    @router.get("/users/{user_id}/profile", responses=documented(404, 422, 500, 503))
    async def profile(user_id: Annotated[str, id_length(settings)]) -> ProfileResponse:
        """Sum up what is known about a user."""
        served = require_served(serving)
        known = await served.profile(user_id)
        if known is None:
            raise ProblemError(404, "No purchase by this user is known.")
        found = summarise(known, served.bundle.catalogue)
        bought = [BoughtCategory(category=c, count=n) for c, n in found.categories.items()]
        fields = found._asdict() | {"user_id": user_id, "categories": bought}
        return ProfileResponse.to_request(served, **fields)

    return router
