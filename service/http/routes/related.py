"""Which products go with others: people who have these also take those."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, create_model

from service.bundle.catalogue import Catalogue
from service.http.body import described, json_body
from service.http.problems import ProblemError, documented
from service.http.readiness import require_served
from service.http.schemas import whole
from service.recommending.related_items import Related
from service.serving.serving import Serving
from service.settings import Settings
from service.telemetry.logs import request_id


class RelatedRequest(BaseModel):
    """Items, and how many others that go with them are wanted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    items: list[str]
    k: int = 3
    store_id: str | None = None


class RuleOfItem(BaseModel):
    """The association rule by which an item goes with others."""

    antecedent: list[str] = Field(description="The items it follows from, the best seller first.")
    support: float = Field(description="Share of all baskets that hold all of them and the item.")
    confidence: float = Field(description="Share of the baskets with all of them that hold it.")
    lift: float = Field(description="The confidence, over the share of all baskets that hold it.")


class RelatedItem(BaseModel):
    """An item that goes with others, or else sells well."""

    item_id: str
    name: str
    category: str
    source: Literal["rule", "popularity"]
    rule: RuleOfItem | None = Field(description="Null for a best seller.")


class RelatedResponse(BaseModel):
    """Items that go with those asked for: longest antecedent first, then lift × confidence."""

    request_id: str
    bundle_id: str
    unknown_items: list[str] = Field(description="Items that are not in the catalogue.")
    related: list[RelatedItem]


def related_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the routes to what goes with an item, or with several."""
    router = APIRouter()
    request = _request_type(settings)
    body = json_body(request, settings.body_limit_bytes)
    text = {"min_length": 1, "max_length": settings.id_limit_chars}

    @router.get("/items/{item_id}/related", responses=documented(404, 422, 500, 503))
    async def related_to_item(
        item_id: Annotated[str, Path(**text)],
        k: Annotated[int, Query(ge=1, le=settings.k_limit)] = min(3, settings.k_limit),
        store_id: Annotated[str | None, Query(**text)] = None,
    ) -> RelatedResponse:
        """Tell which items go with one. An unknown one goes with the best sellers."""
        return _answer(serving, [item_id], k, store_id)

    @router.post(
        "/related",
        responses=documented(400, 404, 413, 415, 422, 500, 503),
        openapi_extra=described(request),
    )
    async def related(asked: Annotated[RelatedRequest, Depends(body)]) -> RelatedResponse:
        """Tell which items go with all or some of several."""
        return _answer(serving, asked.items, asked.k, asked.store_id)

    return router


def _request_type(settings: Settings) -> type[RelatedRequest]:
    """Return `RelatedRequest` with the limits of `settings`."""
    text = Annotated[str, StringConstraints(min_length=1, max_length=settings.id_limit_chars)]
    items = Field(max_length=settings.basket_limit, description="What somebody looks at or has.")
    k = Field(min(3, settings.k_limit), ge=1, le=settings.k_limit, description="Items wanted.")
    return create_model(
        "RelatedRequest",
        __base__=RelatedRequest,
        __doc__=RelatedRequest.__doc__,
        items=(list[text], items),
        k=(Annotated[int, BeforeValidator(whole)], k),
        store_id=(text | None, Field(None, description="The store, whose rules and stock hold.")),
    )


def _answer(serving: Serving, items: list[str], k: int, store_id: str | None) -> RelatedResponse:
    served = require_served(serving)
    if served.related is None:
        detail = (
            "This bundle has no association rules; build it with rtt2vec-build of this version."
        )
        raise ProblemError(404, detail)
    catalogue = served.bundle.catalogue
    rulebook = served.rule_files.rulebook
    allowed = None if rulebook is None else rulebook.plan(store_id).allowed
    known, unknown = catalogue.look_up(items)
    found = served.related.related(known, k, allowed)
    return RelatedResponse(
        request_id=request_id.get(),
        bundle_id=served.bundle.bundle_id,
        unknown_items=unknown,
        related=[_item(each, catalogue) for each in found],
    )


def _item(related: Related, catalogue: Catalogue) -> RelatedItem:
    item, rule = related
    return RelatedItem(
        item_id=catalogue.item_ids[item],
        name=catalogue.names[item],
        category=catalogue.categories[item],
        source="rule" if rule else "popularity",
        rule=rule
        and RuleOfItem(
            antecedent=[catalogue.item_ids[part] for part in rule.antecedent],
            support=rule.support,
            confidence=rule.confidence,
            lift=rule.lift,
        ),
    )
