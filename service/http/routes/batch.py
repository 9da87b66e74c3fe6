"""Many requests for recommendations at once: `POST /recommend/batch`."""

from types import GenericAlias
from typing import Annotated, Any

import orjson
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, create_model
from starlette.types import Receive, Scope, Send

from service.http.admission import Queue
from service.http.body import parse_json, read_json_body
from service.http.direct_route import direct_route
from service.http.keys.access import Access
from service.http.parameters import refuse_other_parameters
from service.http.readiness import require_served
from service.http.routes.recommend import RecommendEndpoint, RecommendResponse
from service.http.schemas import RequestBody
from service.recommending.request import RecommendRequest
from service.serving.serving import Serving
from service.settings import Settings
from service.telemetry.logs import request_id


class BatchRequest(RequestBody):
    """Requests, each as for `/recommend`."""

    requests: list[Any] = Field(min_length=1)


class BatchResponse(BaseModel):
    """One answer for each request, in their order."""

    request_id: str
    answers: list[RecommendResponse]


class BatchEndpoint:
    """Answers one request of a batch after the other, each in a turn of its own.

    In between, the event loop goes on with other requests, and an answer is sent as soon as it is
    there, so that a worker never holds a whole batch of them.
    """

    def __init__(
        self,
        settings: Settings,
        serving: Serving,
        access: Access,
        queue: Queue,
        recommend: RecommendEndpoint,
    ) -> None:
        self._body_limit_bytes = settings.batch_body_limit_bytes
        self._serving = serving
        self._access = access
        self._guard = access.guard("recommend")
        self._queue = queue
        self._recommend = recommend
        listed = BatchRequest.model_fields["requests"]
        count = Field(max_length=settings.batch_limit)
        requests = GenericAlias(list, (recommend.request_type,))
        fields: dict[str, Any] = {"requests": Annotated[requests, listed, count]}
        base, text = BatchRequest, BatchRequest.__doc__
        self._request_type = create_model("BatchRequest", __base__=base, __doc__=text, **fields)

    def route(self) -> APIRoute:
        """Return the route, which FastAPI documents, and which the endpoint answers by itself."""

        async def recommend_batch() -> None:
            """Answer up to a hundred requests, each as `/recommend` would."""

        schema = self._request_type.model_json_schema()
        one = self._recommend.request_type.model_json_schema()
        schema["properties"]["requests"]["items"] = one
        del schema["$defs"]
        return direct_route(
            "/recommend/batch", self, recommend_batch, schema, BatchResponse, self._access
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one batch (ASGI)."""
        if self._guard is not None:
            self._guard(scope)
        refuse_other_parameters(scope)
        served = require_served(self._serving)
        content = await read_json_body(scope, receive, self._body_limit_bytes)
        await self._queue.turn()  # A large body takes as long as several answers.
        requests: list[RecommendRequest] = parse_json(self._request_type, content).requests
        self._access.count(scope, len(requests) - 1)  # The guard has counted one.
        headers = [(b"content-type", b"application/json")]
        begin = b'{"request_id":%b,"answers":[' % orjson.dumps(request_id.get())
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for request in requests:
            answer = await self._recommend.answer(served, request, is_admitted=True)
            await send({"type": "http.response.body", "body": begin + answer, "more_body": True})
            begin = b","
        await send({"type": "http.response.body", "body": b"]}"})
