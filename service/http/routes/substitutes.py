"""What to take instead of an item that is out of stock."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from service.http.problems import ProblemError, documented
from service.http.readiness import require_served
from service.serving.serving import Serving
from service.settings import Settings
from service.telemetry.logs import request_id

_K = 5


class SubstituteItem(BaseModel):
    """One substitute."""

    item_id: str
    name: str
    category: str
    score: float = Field(
        description="Share of the item's shoppers who buy this too, less the more often they buy "
        "both together."
    )


class SubstitutesResponse(BaseModel):
    """What replaces an item, the best first; nothing where no substitute is known."""

    request_id: str
    bundle_id: str
    item_id: str
    substitutes: list[SubstituteItem]


def substitutes_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the route that gives the substitutes of an item."""
    router = APIRouter()

    @router.get(
        "/items/{item_id:path}/substitutes",
        response_model=SubstitutesResponse,
        responses=documented(404, 422, 500, 503),
    )
    async def substitutes(
        item_id: Annotated[
            str,
            Path(min_length=1, max_length=settings.id_limit_chars, description="The item."),
        ],
        k: Annotated[
            int, Query(ge=1, le=settings.k_limit, description="Substitutes wanted, at most.")
        ] = min(_K, settings.k_limit),
    ) -> SubstitutesResponse:
        """Give what its shoppers buy in an item's place: alike, and hardly ever together with it.

        An item of the catalogue may have none. One that is not in the catalogue is a 404: nothing
        is known that could replace it.
        """
        served = require_served(serving)
        if served.substitutes is None:
            lacking = "This bundle has no substitutes; build it with rtt2vec-build of this version."
            raise ProblemError(404, lacking)
        catalogue = served.bundle.catalogue
        item = catalogue.index.get(item_id)
        if item is None:
            raise ProblemError(404, "No such item in the catalogue.")
        found = [
            SubstituteItem(
                item_id=catalogue.item_ids[each.item_index],
                name=catalogue.names[each.item_index],
                category=catalogue.categories[each.item_index],
                score=each.score,
            )
            for each in served.substitutes.of(item, k)
        ]
        return SubstitutesResponse(
            request_id=request_id.get(),
            bundle_id=served.bundle.bundle_id,
            item_id=item_id,
            substitutes=found,
        )

    return router
