"""How likely a basket is: `POST /score`."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from service.http.body import described, json_body
from service.http.problems import documented
from service.http.readiness import require_part, require_served
from service.http.schemas import Answer, Moment, RequestBody, request_type
from service.serving.serving import Serving
from service.settings import Settings


class ScoreRequest(RequestBody):
    """A user, and the basket to score."""

    user_id: str | None = Field(None, description="The user; null or unknown means a stranger.")
    basket: list[str] = Field(min_length=1, description="The items in the basket.")


class ScoredItem(BaseModel):
    """One item of the basket, and how much it contributes to the score."""

    item_id: str
    category: str
    bought_before: bool
    times_bought: int = Field(description="The user's baskets with it.")
    last_bought: Moment | None
    contribution: float = Field(
        description="Added to the log odds of `score`, or of `population_score` where `score` is "
        "null; above 0 it makes the basket more likely, below 0 less."
    )


class ScoreResponse(Answer):
    """How likely the basket is, and what each item contributes."""

    degraded: bool = Field(description="Whether the user or the whole basket is unknown.")
    unknown_items: list[str] = Field(description="Basket items that are not in the catalogue.")
    score: float | None = Field(
        ge=0, le=1, description="Probability that the basket is this user's; null for a stranger."
    )
    population_score: float | None = Field(
        ge=0,
        le=1,
        description="Probability that it is a real basket of any user; null if no item is known.",
    )
    items: list[ScoredItem]


def score_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the route that scores a basket."""
    router = APIRouter()
    body_type = request_type(settings, ScoreRequest)
    body = json_body(body_type, settings.body_limit_bytes)

    @router.post(
        "/score",
        responses=documented(400, 404, 413, 415, 422, 500, 503),
        openapi_extra=described(body_type.model_json_schema()),
    )
    async def score(request: Annotated[ScoreRequest, Depends(body)]) -> ScoreResponse:
        """Estimate how likely it is that a basket is this user's, and that it is real at all."""
        served = require_served(serving)
        scorer = require_part(served.scorer, "basket score", ", from enough baskets for a ranker")
        profile = await served.profile(request.user_id) if request.user_id is not None else None
        scored = scorer.score(request.user_id, request.basket, profile)
        items = [
            ScoredItem(**each._asdict(), bought_before=each.times_bought > 0)
            for each in scored.items
        ]
        return ScoreResponse.to_request(served, **scored._asdict() | {"items": items})

    return router
