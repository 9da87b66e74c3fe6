"""`POST /score`: how likely a basket is, and what each item adds to that."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from service.http.body import described, json_body
from service.http.problems import ProblemError, documented
from service.http.readiness import require_served
from service.recommending.basket_score.scorer import BasketScore
from service.serving.serving import Serving
from service.settings import Settings
from service.telemetry.logs import request_id


class ScoreRequest(BaseModel):
    """A shopper, and the basket that is to be scored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    user_id: str | None = None
    basket: list[str]


class ScoredItem(BaseModel):
    """One item of the basket, and what it adds."""

    item_id: str
    category: str
    bought_before: bool
    times_bought: int = Field(description="The shopper's baskets with it.")
    last_bought: datetime | None
    contribution: float = Field(
        description="What it adds to the log odds of `score`, or of `population_score` where there "
        "is no `score`; above 0 it speaks for the basket, below 0 against it."
    )


class ScoreResponse(BaseModel):
    """How likely the basket is, and what each item adds."""

    request_id: str
    bundle_id: str
    degraded: bool = Field(description="Whether the user or the whole basket is unknown.")
    unknown_items: list[str] = Field(description="Basket items that are not in the catalogue.")
    score: float | None = Field(
        ge=0, le=1, description="That the basket is this shopper's; null for a stranger."
    )
    population_score: float | None = Field(
        ge=0, le=1, description="That it is anybody's; null if no item is known."
    )
    items: list[ScoredItem]


def score_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the route that scores a basket."""
    router = APIRouter()
    request = _request_type(settings)
    body = json_body(request, settings.body_limit_bytes)

    @router.post(
        "/score",
        responses=documented(400, 404, 413, 415, 422, 500, 503),
        openapi_extra=described(request),
    )
    async def score(asked: Annotated[ScoreRequest, Depends(body)]) -> ScoreResponse:
        """Tell how likely it is that a basket is this shopper's, and that it is anybody's."""
        served = require_served(serving)
        if served.scorer is None:
            raise ProblemError(
                404,
                "This bundle has no basket score; build it with rtt2vec-build of this version, "
                "from enough baskets for a ranker.",
            )
        profile = await served.profile(asked.user_id) if asked.user_id is not None else None
        answer = served.scorer.score(asked.user_id, asked.basket, profile)
        return _score_response(answer, served.bundle.bundle_id)

    return router


def _request_type(settings: Settings) -> type[ScoreRequest]:
    """Return `ScoreRequest` with the limits of `settings`."""
    text = Annotated[str, StringConstraints(min_length=1, max_length=settings.id_limit_chars)]
    items = Field(
        min_length=1, max_length=settings.basket_limit, description="The items in the basket."
    )
    return create_model(
        "ScoreRequest",
        __base__=ScoreRequest,
        __doc__=ScoreRequest.__doc__,
        user_id=(
            text | None,
            Field(None, description="The shopper; null, or one never seen, is a stranger."),
        ),
        basket=(list[text], items),
    )


def _score_response(answer: BasketScore, bundle_id: str) -> ScoreResponse:
    return ScoreResponse(
        request_id=request_id.get(),
        bundle_id=bundle_id,
        degraded=answer.degraded,
        unknown_items=answer.unknown_items,
        score=answer.score,
        population_score=answer.population_score,
        items=[
            ScoredItem(
                item_id=each.item_id,
                category=each.category,
                bought_before=each.times_bought > 0,
                times_bought=each.times_bought,
                last_bought=_moment(each.last_bought),
                contribution=each.contribution,
            )
            for each in answer.items
        ],
    )


def _moment(epoch_s: int | None) -> datetime | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)
