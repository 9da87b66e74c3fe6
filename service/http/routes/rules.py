"""`POST /rules/test`: what a rules file would change, before it is in force."""

import asyncio
from time import time
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from service.business_rules.errors import RulesError
from service.http.body import described, json_body
from service.http.problems import documented
from service.http.readiness import require_served
from service.http.schemas import request_type
from service.recommending.request import RecommendRequest
from service.serving.served import Served
from service.serving.serving import Serving
from service.settings import Settings

# A file of some ten thousand rules; who may send it has shown the key before it is read.
_BODY_LIMIT_BYTES = 1 << 20
_CALENDAR_S = (0, 1 << 37)  # what every time zone can tell the hour of


class RulesTestRequest(RecommendRequest):
    """A rules file, and a request that it is tried on."""

    rules: str = Field(description="The text of the file, YAML.")
    at: AwareDatetime | None = Field(
        None, description="The moment whose windows are to hold; null is now."
    )


class Refusal(BaseModel):
    """A mistake in the rules."""

    line: int | None = Field(description="In the file, from 1.")
    message: str


class PlaceChange(BaseModel):
    """An item whose place changes; places count from 1, null is not in the list."""

    item_id: str
    name: str
    before: int | None
    after: int | None
    rules: list[str] = Field(description="The new rules that touch it, by name.")
    rules_before: list[str] = Field(description="The rules in force that do.")


class RulesTestResponse(BaseModel):
    """What would change; nothing does where the rules are refused."""

    refused: list[Refusal] = Field(description="Mistakes, for which the file would be refused.")
    before: list[str] = Field(description="The items by the rules in force, best first.")
    after: list[str] = Field(description="The items by the new ones.")
    entered: list[PlaceChange]
    left: list[PlaceChange]
    moved: list[PlaceChange]
    rules: list[str] = Field(description="The new rules that touch an item of either list.")


def rules_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the routes for those who write the rules."""
    router = APIRouter()
    body = request_type(settings, RulesTestRequest)

    @router.post(
        "/rules/test",
        responses=documented(400, 413, 415, 422, 500, 503),
        openapi_extra=described(body.model_json_schema()),
    )
    async def test_rules(
        asked: Annotated[RulesTestRequest, Depends(json_body(body, _BODY_LIMIT_BYTES))],
    ) -> RulesTestResponse:
        """Answer what a rules file would change for a request."""
        # In a thread: a thousand rules take longer to compile than shoppers should wait.
        return await asyncio.to_thread(_tried, require_served(serving), asked)

    return router


def _tried(served: Served, asked: RulesTestRequest) -> RulesTestResponse:
    from service.serving.rules_trial import compare

    request, rule_files = asked.model_copy(update={"explain": True}), served.rule_files
    first, last = _CALENDAR_S
    moment = min(max(asked.at.timestamp() if asked.at else time(), first), last)
    present = rule_files.at(lambda: moment)
    refused: list[Refusal] = []
    try:
        trial = rule_files.trial(asked.rules, lambda: moment)
    except RulesError as error:
        refused = [Refusal(line=line, message=message) for line, message in error.mistakes]
        trial = present
    before, after = (
        served.recommender.recommend(request, rulebook=rulebook) for rulebook in (present, trial)
    )
    plans = (present.plan(asked.store_id), trial.plan(asked.store_id))
    compared = compare(before, after, *plans)
    return RulesTestResponse.model_validate(
        {"refused": refused, **compared._asdict()}, from_attributes=True
    )
