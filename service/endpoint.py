"""`POST /recommend`: from the bytes of the request to the bytes of the response."""

from time import perf_counter
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from service.body import read_json_body
from service.logs import request_id
from service.metrics import Metrics
from service.problems import ProblemError
from service.recommender import Recommendation
from service.schemas import RecommendRequest, request_type
from service.serving import Serving
from service.settings import Settings


class RecommendEndpoint:
    """Answers one request at a time, on the event loop's thread.

    A recommendation is about a millisecond of work for the processor. A thread pool would hand
    the interpreter lock to and fro, finish no sooner, and let requests delay one another; more
    requests per second come from more processes.
    """

    def __init__(self, settings: Settings, metrics: Metrics, serving: Serving) -> None:
        self._body_limit_bytes = settings.body_limit_bytes
        self._metrics = metrics
        self._serving = serving
        self._request_type = request_type(settings)

    @property
    def openapi(self) -> dict[str, Any]:
        """The request body, for the operation's OpenAPI document: FastAPI does not read it."""
        schema = self._request_type.model_json_schema()
        content = {"application/json": {"schema": schema}}
        return {"requestBody": {"required": True, "content": content}}

    async def __call__(self, request: Request) -> Response:
        """Recommend items that belong with a basket, for this shopper."""
        recommender = self._serving.ready()
        body = await read_json_body(request, self._body_limit_bytes)
        started = perf_counter()
        with self._metrics.stage("parse"):
            asked = self._parse(body)
        answer = recommender.recommend(
            asked.user_id,
            asked.basket,
            asked.k,
            asked.exclude_items,
            asked.exclude_categories,
            asked.explain,
        )
        self._metrics.observe_answer(asked.user_id, answer)
        with self._metrics.stage("encode"):
            content = {
                "request_id": request_id.get(),
                "bundle_id": self._serving.bundle_id,
                "source": answer.source,
                "degraded": answer.degraded,
                "unknown_items": answer.unknown_items,
                "took_ms": round((perf_counter() - started) * 1000, 3),
                "recommendations": [_item(each) for each in answer.items],
            }
            return Response(orjson.dumps(content), media_type="application/json")

    def _parse(self, body: bytes) -> RecommendRequest:
        try:
            return self._request_type.model_validate_json(body)
        except ValidationError as error:
            raise ProblemError.from_validation(error) from error


def _item(recommendation: Recommendation) -> dict[str, Any]:
    item = {
        "item_id": recommendation.item_id,
        "name": recommendation.name,
        "category": recommendation.category,
        "score": recommendation.score,
    }
    if recommendation.reasons is not None:
        item["reasons"] = recommendation.reasons
    return item
