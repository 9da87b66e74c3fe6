"""Recommendations: `POST /recommend`, from the bytes of the request to those of the answer."""

from time import perf_counter

import orjson
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from service.http.admission import Queue
from service.http.body import parse_json, read_json_body
from service.http.direct_route import direct_route
from service.http.items_json import ItemsJson
from service.http.keys.access import Access
from service.http.parameters import refuse_other_parameters
from service.http.readiness import require_served
from service.http.schemas import Answer, CatalogueItem, request_type
from service.recommending.answer import Recommendations, Source
from service.recommending.request import RecommendRequest
from service.serving.served import Served
from service.serving.serving import Serving
from service.settings import Settings
from service.telemetry.logs import request_id
from service.telemetry.metrics import Metrics


class Reasons(BaseModel):
    """Why an item is recommended; the parts sum to its score before diversity."""

    anchor: str | None = Field(description="The basket item that contributed most.")
    basket: float
    user: float
    popularity: float
    rules: list[str] = Field(description="Names of the business rules that apply to the item.")


class RecommendedItem(CatalogueItem):
    """One recommendation."""

    score: float
    reasons: Reasons | None = Field(None, description="Only if `explain` is true.")


class RecommendResponse(Answer):
    """Recommendations, best first, and what they are based on."""

    source: Source
    degraded: bool = Field(
        description="Whether they are based on less than the request gave: its user, its basket or "
        "its store is unknown, or the time was short."
    )
    unknown_items: list[str] = Field(description="Basket items that are not in the catalogue.")
    unknown_categories: list[str] = Field(
        description="Categories to exclude or include that the catalogue does not have."
    )
    took_ms: float
    recommendations: list[RecommendedItem]


class RecommendEndpoint:
    """Answers one request at a time, on the event loop's thread.

    A recommendation keeps the processor busy for half a millisecond. Threads would have to share
    the interpreter lock, finish no sooner and delay one another; use more workers instead.
    """

    def __init__(
        self, settings: Settings, metrics: Metrics, serving: Serving, access: Access, queue: Queue
    ) -> None:
        self._body_limit_bytes = settings.body_limit_bytes
        self._log_users = settings.log_users != "off"
        self._metrics = metrics
        self._serving = serving
        self._access = access
        self._guard = access.guard("recommend")
        self._queue = queue
        self._items = ItemsJson()
        self.request_type = request_type(settings, RecommendRequest)
        """`RecommendRequest` with the limits of the settings."""

    def route(self) -> APIRoute:
        """Return the route: FastAPI documents it, and the endpoint answers it by itself.

        FastAPI's own handling (dependencies, request and response objects, validation) takes a
        tenth of the time of a recommendation.
        """

        async def recommend() -> None:
            """Recommend items that go with a basket, for this user."""

        schema = self.request_type.model_json_schema()
        return direct_route("/recommend", self, recommend, schema, RecommendResponse, self._access)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        arrived = perf_counter()
        if self._guard is not None:
            self._guard(scope)
        refuse_other_parameters(scope)
        served = require_served(self._serving)
        content = await read_json_body(scope, receive, self._body_limit_bytes)
        started = perf_counter()
        request = self._parse(content, started)
        if self._log_users:
            scope.setdefault("noted", {})["user_id"] = request.user_id
        body = await self.answer(served, request, arrived, started)
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(
        self,
        served: Served,
        request: RecommendRequest,
        arrived: float | None = None,
        started: float | None = None,
        *,
        is_admitted: bool = False,
    ) -> bytes:
        """Return the answer to one request.

        Args:
            served: what answers.
            request: within the limits.
            arrived: the moment from which its time counts, of `perf_counter`; None is its turn.
            started: the moment from which `took_ms` counts; None is its turn.
            is_admitted: whether it is part of a batch that had a turn before.

        Raises:
            ProblemError: 503, too many requests wait.
        """
        self._serving.recent.append(request)
        profile = None
        if served.read_first and request.user_id is not None:
            profile = await served.profile(request.user_id)
        # After the profile, else all requests that waited for one would go on at once.
        await (self._queue.another_turn() if is_admitted else self._queue.turn())
        now = perf_counter()
        left_s = None
        if request.timeout_ms is not None:
            left_s = request.timeout_ms / 1000 - (now - (arrived or now))
        answer = served.recommend(
            request, profile=profile, left_s=left_s, observe=self._metrics.observe_stage
        )
        body = self._encode(served, answer, started or now)
        self._metrics.observe_answer(request.user_id, answer)
        return body

    def _parse(self, content: bytes, started: float) -> RecommendRequest:
        request = parse_json(self.request_type, content)
        self._metrics.observe_stage("parse", perf_counter() - started)
        return request

    def _encode(self, served: Served, answer: Recommendations, started: float) -> bytes:
        recommended = perf_counter()
        content = {
            "request_id": request_id.get(),
            "bundle_id": served.bundle.bundle_id,
            "source": answer.source,
            "degraded": answer.degraded,
            "unknown_items": answer.unknown_items,
            "unknown_categories": answer.unknown_categories,
            "took_ms": round((recommended - started) * 1000, 3),
        }
        items = self._items.encode(served.bundle.bundle_id, answer.items)
        body = b"".join((orjson.dumps(content)[:-1], b',"recommendations":', items, b"}"))
        self._metrics.observe_stage("encode", perf_counter() - recommended)
        return body
