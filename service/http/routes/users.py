"""Users: `GET /users`, `GET /users/{user_id}/profile` and `DELETE /users/{user_id}`."""

from typing import Annotated

import numpy as np
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.convertors import register_url_convertor
from starlette.responses import Response

from service.http.entity_tags import NOT_MODIFIED, tagged
from service.http.parameters import STORE
from service.http.problems import ProblemError, documented
from service.http.readiness import require_served
from service.http.schemas import (
    TIDIED,
    Answer,
    CatalogueItem,
    IdConvertor,
    Moment,
    id_length,
)
from service.profiles.profile import Profile
from service.profiles.summary import summarise
from service.serving.forgetting import Forgetting, ForgettingError
from service.serving.served import Served
from service.serving.serving import Serving
from service.settings import Settings
from service.telemetry.logs import request_id

_USERS_LIMIT = 50
_FAVOURITES = 3


class _ForgottenUser(IdConvertor):
    """A user id in a path that is not that of a profile."""

    regex = "(?s:.*)(?<!/profile)"


register_url_convertor("forgotten_user", _ForgottenUser())


class BoughtCategory(BaseModel):
    """A category, and how often the user bought from it."""

    category: str
    count: int


class BoughtItem(CatalogueItem):
    """An item that the user bought."""

    times: int = Field(description="The user's baskets with it.")
    bought: Moment = Field(description="The last time.")


class ProfileResponse(Answer):
    """What is known about a user; purchases of items outside the catalogue do not count."""

    user_id: str
    baskets: int | None = Field(description="How many; null if the bundle keeps none.")
    first_purchase: Moment | None = Field(description="Null if the bundle keeps no baskets.")
    last_purchase: Moment
    categories: list[BoughtCategory] = Field(description="Most bought first.")
    begun: list[Moment] = Field(description="When the latest baskets began, at most 500 of them.")
    last_items: list[BoughtItem] = Field(
        description="The items bought last, at most 24, without those that may not be shown."
    )


class UserPortrait(BaseModel):
    """A user in one line."""

    user_id: str
    baskets: int | None = Field(description="How many; null if the bundle keeps none.")
    last_purchase: Moment
    categories: list[BoughtCategory] = Field(description="The three most bought.")


class UsersResponse(Answer):
    """Users that were found; an exact id first, then those that begin with the query."""

    users: list[UserPortrait]


class ForgottenResponse(BaseModel):
    """The user is forgotten, on this machine and for all that answer from these bundles."""

    request_id: str
    counts_from: Moment = Field(description="Purchases from this moment on count again.")


def forget_routes(forgetting: Forgetting, settings: Settings) -> APIRouter:
    """Return the route that forgets a user."""
    router = APIRouter()
    threads = CapacityLimiter(1)  # it waits for disks

    @router.delete("/users/{user_id:forgotten_user}", responses=documented(422, 500, 503))
    async def forget(user_id: Annotated[str, id_length(settings), TIDIED]) -> ForgottenResponse:
        """Forget a user, known or not: from the next request on it is a stranger."""
        try:
            moment = await to_thread.run_sync(forgetting.forget, user_id, limiter=threads)
        except ForgettingError as error:
            raise ProblemError(503, str(error), headers={"Retry-After": "1"}) from error
        return ForgottenResponse(request_id=request_id.get(), counts_from=moment)

    return router


def users_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the routes that find users and sum them up."""
    router = APIRouter()

    @router.get(
        "/users",
        response_model=UsersResponse,
        responses=NOT_MODIFIED | documented(422, 500, 503),
    )
    async def users(
        request: Request,
        query: Annotated[
            str | None, id_length(settings), Query(description="A part of the user's id.")
        ] = None,
        limit: Annotated[
            int, Query(ge=1, le=_USERS_LIMIT, description="Users wanted, at most.")
        ] = 20,
    ) -> Response:
        """Find users of the bundle by their ids; those known only since are not among them."""
        served = require_served(serving)
        found = served.users.matching(query or "", limit)
        portraits = [_portrait(served, *each) for each in found]
        return tagged(request, UsersResponse.to_request(served, users=portraits))

    @router.get("/users/{user_id:id}/profile", responses=documented(404, 422, 500, 503))
    async def profile(
        user_id: Annotated[str, id_length(settings), TIDIED],
        store_id: Annotated[str | None, id_length(settings), TIDIED, STORE] = None,
    ) -> ProfileResponse:
        """Sum up what is known about a user."""
        served = require_served(serving)
        known = await served.profile(user_id)
        if known is None:
            raise ProblemError(404, "No purchase by this user is known.")
        catalogue = served.bundle.catalogue
        found = summarise(known, catalogue, served.eligible(np.empty(0, np.int32), store_id))
        items = [
            BoughtItem.at(each.item_index, catalogue, times=each.times, bought=each.bought)
            for each in found.last_items
        ]
        fields = found._asdict() | {"categories": _bought(found.categories), "last_items": items}
        return ProfileResponse.to_request(served, user_id=user_id, **fields)

    return router


def _portrait(served: Served, user_id: str, profile: Profile) -> UserPortrait:
    summary = summarise(profile, served.bundle.catalogue)
    return UserPortrait(
        user_id=user_id,
        baskets=summary.baskets,
        last_purchase=summary.last_purchase,
        categories=_bought(summary.categories)[:_FAVOURITES],
    )


def _bought(categories: dict[str, int]) -> list[BoughtCategory]:
    return [BoughtCategory(category=name, count=count) for name, count in categories.items()]
