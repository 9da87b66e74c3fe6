"""What replaces an item that is out of stock: `GET /items/{item_id}/substitutes`."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Query
from pydantic import Field

from service.http.parameters import STORE
from service.http.problems import ProblemError, documented
from service.http.readiness import require_part, require_served
from service.http.schemas import TIDIED, Answer, CatalogueItem, id_length
from service.serving.serving import Serving
from service.settings import Settings


class SubstituteItem(CatalogueItem):
    """One substitute."""

    score: float = Field(
        description="Share of the item's buyers who also buy this one; the less, the more often "
        "they buy both together."
    )


class SubstitutesResponse(Answer):
    """Substitutes of an item, best first; an empty list where none is known."""

    item_id: str
    substitutes: list[SubstituteItem]


def substitutes_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the route that gives the substitutes of an item."""
    router = APIRouter()

    @router.get("/items/{item_id:id}/substitutes", responses=documented(404, 422, 500, 503))
    async def substitutes(
        item_id: Annotated[str, id_length(settings), TIDIED, Path(description="The item.")],
        k: Annotated[
            int, Query(ge=1, le=settings.k_limit, description="Substitutes wanted, at most.")
        ] = min(5, settings.k_limit),
        store_id: Annotated[str | None, id_length(settings), TIDIED, STORE] = None,
    ) -> SubstitutesResponse:
        """Give items that users buy in place of this one: alike, and rarely bought together.

        An item of the catalogue may have none. An item outside the catalogue is a 404.
        """
        served = require_served(serving)
        found = require_part(served.substitutes, "substitutes")
        catalogue = served.bundle.catalogue
        item = catalogue.row(item_id)
        if item is None:
            raise ProblemError(404, "No such item in the catalogue.")
        eligible = served.eligible(np.array([item], np.int32), store_id)
        listed = [
            SubstituteItem.at(each.item_index, catalogue, score=each.score)
            for each in found.of(item, k, eligible)
        ]
        return SubstitutesResponse.to_request(served, item_id=item_id, substitutes=listed)

    return router
