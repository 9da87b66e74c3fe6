"""Trying business rules before they are in force: `POST /rules/test`."""

from functools import partial
from time import time
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from service.business_rules.errors import RulesError
from service.http.admission import Threads
from service.http.body import described, json_body
from service.http.problems import documented
from service.http.readiness import require_served
from service.http.schemas import request_type
from service.recommending.request import RecommendRequest
from service.serving.served import Served
from service.serving.serving import RECENT, Serving
from service.settings import Settings

if TYPE_CHECKING:
    from service.business_rules.rulebook import Rulebook

_RULES_LIMIT_CHARS = 1 << 19  # some five thousand rules
_RECENT_S = 2.0  # of trying recent requests; the next trial waits meanwhile
_WAITING = 4  # trials, of a few MiB each
_LATEST_S = 1 << 37  # every time zone has a local time from 0 up to this moment


class RulesTestRequest(RecommendRequest):
    """A rules file, and the request to try it with."""

    rules: str = Field(max_length=_RULES_LIMIT_CHARS, description="The file's text (YAML).")
    recent: bool = Field(False, description="Whether to try it with recent requests, too.")
    at: AwareDatetime | None = Field(None, description="When to apply the rules; null is now.")


class Refusal(BaseModel):
    """A mistake in the rules file."""

    line: int | None = Field(description="Line in the file, from 1.")
    message: str


class PlaceChange(BaseModel):
    """An item whose place changes; places count from 1, null means not in the list."""

    item_id: str
    name: str
    before: int | None
    after: int | None
    rules: list[str] = Field(description="Names of the new rules that apply to it.")
    rules_before: list[str] = Field(description="Names of the rules in force that apply to it.")


class RecentChanges(BaseModel):
    """What would change for the latest requests of the worker that answers."""

    known: int = Field(description="Recent requests, 200 at most; none of forgotten users.")
    tried: int = Field(description="Those that were tried in two seconds, the latest first.")
    changed: int = Field(description="Answers that would change, if only in their order.")
    entered: int = Field(description="Items that would enter these answers, added up.")
    left: int = Field(description="Items that would leave them, added up.")


class RulesTestResponse(BaseModel):
    """What would change; nothing if the rules are refused."""

    refused: list[Refusal] = Field(
        description="Mistakes for which the file would be refused, the first 100 of them."
    )
    before: list[str] = Field(description="Item ids under the rules in force, best first.")
    after: list[str] = Field(description="Item ids under the new rules.")
    entered: list[PlaceChange]
    left: list[PlaceChange]
    moved: list[PlaceChange]
    rules: list[str] = Field(description="New rules that apply to an item of either list, by name.")
    recent: RecentChanges | None = Field(
        description="Null if it was not asked for, or if the rules are refused."
    )


def rules_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the route that tries rules."""
    router = APIRouter()
    body_type = request_type(settings, RulesTestRequest)
    thread = Threads(1, _WAITING)
    body = json_body(body_type, _RULES_LIMIT_CHARS + settings.body_limit_bytes)

    @router.post(
        "/rules/test",
        responses=documented(400, 413, 415, 422, 500, 503),
        openapi_extra=described(body_type.model_json_schema()),
    )
    async def test_rules(request: Annotated[RulesTestRequest, Depends(body)]) -> RulesTestResponse:
        """Give what a rules file would change for a request."""
        # In a thread: a thousand rules take longer to compile than other requests should wait. Only
        # in one, since threads take turns with the event loop.
        return await thread.run(partial(_try, serving, require_served(serving), request))

    return router


def _try(serving: Serving, served: Served, request: RulesTestRequest) -> RulesTestResponse:
    from service.serving.rules_trial import compare

    rule_files = served.rule_files
    moment = min(max(request.at.timestamp() if request.at else time(), 0), _LATEST_S)
    present = trial = rule_files.at(lambda: moment)
    refused: list[Refusal] = []
    try:
        trial = rule_files.trial(request.rules, lambda: moment)
    except RulesError as error:
        refused = [Refusal(line=line, message=message) for line, message in error.mistakes]
    explained = request.model_copy(update={"explain": True})
    before = served.recommender.recommend(explained, rulebook=present)
    after = served.recommender.recommend(explained, rulebook=trial)
    is_wanted = request.recent and not refused
    recent = _try_recent(serving, served, present, trial) if is_wanted else None
    compared = compare(before, after, present.plan(request.store_id), trial.plan(request.store_id))
    return RulesTestResponse.model_validate(
        {"refused": refused, **compared._asdict(), "recent": recent}, from_attributes=True
    )


def _try_recent(
    serving: Serving, served: Served, present: "Rulebook", trial: "Rulebook"
) -> RecentChanges:
    from service.serving.rules_trial import compare_many

    recommend = served.recommender.recommend
    latest = serving.known_requests()[: -RECENT - 1 : -1]
    totals = compare_many(
        latest,
        partial(recommend, rulebook=present),
        partial(recommend, rulebook=trial),
        _RECENT_S,
    )
    return RecentChanges(known=len(latest), **totals._asdict())
