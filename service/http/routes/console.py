"""What the console asks: `GET /admin/bundle` and `POST /admin/recommend`."""

from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field, JsonValue

from service.http.body import described, json_body
from service.http.problems import documented
from service.http.readiness import require_served
from service.http.routes.recommend import RecommendedItem
from service.http.schemas import WHOLE, Answer, request_type
from service.recommending.answer import Source
from service.recommending.request import RecommendRequest
from service.serving.serving import Serving
from service.settings import RecommendOptions, SearchForm, Settings


class BundleFacts(Answer):
    """What the manifest of the bundle says, and the settings that recommendations are made by."""

    items: int
    users: int
    as_of: str = Field(description="The moment up to which the bundle knows purchases.")
    build: dict[str, JsonValue] = Field(description="The configuration of its build.")
    index: dict[str, Any] = Field(description="Its index, and what that finds of the closest.")
    metrics: dict[str, JsonValue] = Field(description="What the build measured.")
    settings: RecommendOptions


class TrialRequest(RecommendRequest):
    """A request, and settings in place of the service's own; null leaves one as it is."""

    mmr_lambda: float | None = Field(None, ge=0, le=1)
    category_cap: Annotated[int, Field(ge=0, le=100), WHOLE] | None = None
    ranker: bool | None = None
    search: SearchForm | None = None


class TrialResponse(Answer):
    """The recommendations under these settings, each with its reasons."""

    source: Source
    candidates: int = Field(description="How many items were scored.")
    took_ms: float
    recommendations: list[RecommendedItem]


def console_routes(serving: Serving, settings: Settings) -> APIRouter:
    """Return the routes of the console."""
    router = APIRouter(prefix="/admin")
    body_type = request_type(settings, TrialRequest)
    body = json_body(body_type, settings.body_limit_bytes)

    @router.get("/bundle", responses=documented(500, 503))
    async def bundle() -> BundleFacts:
        """Tell what the bundle is, and how good it was measured to be."""
        served = require_served(serving)
        manifest = served.bundle.manifest
        return BundleFacts.to_request(
            served,
            items=len(served.bundle.catalogue),
            users=len(served.bundle.user_ids),
            as_of=manifest.as_of,
            build=manifest.build,
            index=manifest.retrieval.model_dump(mode="json"),
            metrics=manifest.metrics,
            settings=RecommendOptions(
                **{
                    name: getattr(served.recommender.options, name)
                    for name in RecommendOptions.model_fields
                }
            ),
        )

    @router.post(
        "/recommend",
        responses=documented(400, 413, 415, 422, 500, 503),
        openapi_extra=described(body_type.model_json_schema()),
    )
    async def recommend(trial: Annotated[TrialRequest, Depends(body)]) -> TrialResponse:
        """Recommend under other settings, without counting it as an answer to a user."""
        served = require_served(serving)
        request = trial.model_copy(update={"explain": True})
        profile = await served.profile(trial.user_id) if trial.user_id is not None else None
        options = served.recommender.options.model_copy(update=_changes(trial))
        began = perf_counter()
        answer = served.recommender.recommend(
            request, profile=profile, rulebook=served.rule_files.rulebook, options=options
        )
        items = [
            RecommendedItem.model_validate(each, from_attributes=True) for each in answer.items
        ]
        return TrialResponse.to_request(
            served,
            source=answer.source,
            candidates=answer.candidates,
            took_ms=round(1000 * (perf_counter() - began), 3),
            recommendations=items,
        )

    return router


def _changes(trial: TrialRequest) -> dict[str, Any]:
    """Return the settings of a trial that are not null."""
    names = TrialRequest.model_fields.keys() & RecommendOptions.model_fields.keys()
    given = {name: getattr(trial, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}
