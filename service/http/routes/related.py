"""Which items go with others: `GET /items/{item_id}/related` and `POST /related`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from service.bundle.catalogue import Catalogue
from service.http.body import described, json_body
from service.http.problems import documented
from service.http.readiness import require_part, require_served
from service.http.schemas import TIDIED, Answer, CatalogueItem, RequestBody, id_length, request_type
from service.recommending.related_items import Related
from service.serving.serving import Serving
from service.settings import Settings


class RelatedRequest(RequestBody):
    """Items, and how many others that go with them are wanted."""

    items: list[str] = Field(description="The items that a user looks at or has in the basket.")
    k: int = Field(3, description="Number of items wanted.")
    store_id: str | None = Field(
        None, description="The store whose business rules and stock apply; null for none."
    )


class RuleOfItem(BaseModel):
    """The association rule by which an item goes with others."""

    antecedent: list[str] = Field(description="Items that it follows from, best seller first.")
    support: float = Field(description="Share of all baskets with antecedent and item.")
    confidence: float = Field(description="Share of the antecedent's baskets that have the item.")
    lift: float = Field(description="Confidence divided by the share of all baskets with the item.")


class RelatedItem(CatalogueItem):
    """An item that goes with others, or else a best seller."""

    source: Literal["rule", "popularity"]
    rule: RuleOfItem | None = Field(description="Null for a best seller.")


class RelatedResponse(Answer):
    """Items that go with those given: longest antecedent first, then lift × confidence."""

    unknown_items: list[str] = Field(description="Items that are not in the catalogue.")
    related: list[RelatedItem]


def related_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the routes that give the items related to one item or to several."""
    router = APIRouter()
    body_type = request_type(settings, RelatedRequest)
    body = json_body(body_type, settings.body_limit_bytes)
    text = id_length(settings)

    @router.get("/items/{item_id:id}/related", responses=documented(404, 422, 500, 503))
    async def related_to_item(
        item_id: Annotated[str, text, TIDIED],
        k: Annotated[int, Query(ge=1, le=settings.k_limit)] = min(3, settings.k_limit),
        store_id: Annotated[str | None, text, TIDIED] = None,
    ) -> RelatedResponse:
        """Give the items that go with one; for an unknown one, the best sellers."""
        return _answer(serving, [item_id], k, store_id)

    @router.post(
        "/related",
        responses=documented(400, 404, 413, 415, 422, 500, 503),
        openapi_extra=described(body_type.model_json_schema()),
    )
    async def related(request: Annotated[RelatedRequest, Depends(body)]) -> RelatedResponse:
        """Give the items that go with all or some of several."""
        return _answer(serving, request.items, request.k, request.store_id)

    return router


def _answer(serving: Serving, items: list[str], k: int, store_id: str | None) -> RelatedResponse:
    served = require_served(serving)
    related_items = require_part(served.related, "association rules")
    catalogue = served.bundle.catalogue
    known, unknown = catalogue.look_up(items)
    found = related_items.related(known, k, served.eligible(known, store_id))
    items_found = [_item(each, catalogue) for each in found]
    return RelatedResponse.to_request(served, unknown_items=unknown, related=items_found)


def _item(related: Related, catalogue: Catalogue) -> RelatedItem:
    item, rule = related
    if rule is None:
        return RelatedItem.at(item, catalogue, source="popularity", rule=None)
    antecedent = [catalogue.item_ids[part] for part in rule.antecedent]
    shown = RuleOfItem(**rule._asdict() | {"antecedent": antecedent})
    return RelatedItem.at(item, catalogue, source="rule", rule=shown)
