"""The service with two more routes: same request and answer as /recommend, but constant content.

/echo           a plain FastAPI route with the same limits on the request. It builds an answer of 20
                items for every request, as any service with that answer must; FastAPI validates and
                encodes it. The limit on the throughput of /recommend is relative to this route.
/echo-prebuilt  the same, with an answer that was built at the start: only validated and encoded.

It takes the flags of `rtt2vec-serve`, but runs one worker only.
"""

import socket
from collections.abc import Callable
from functools import partial
from itertools import islice
from uuid import uuid4

from fastapi import FastAPI
from pydantic_settings import CliApp
from uvicorn import Server

from service.app import create_app
from service.bundle.bundle import load_bundle
from service.bundle.catalogue import Catalogue
from service.http.routes.recommend import RecommendedItem, RecommendResponse
from service.http.schemas import request_type
from service.recommending.request import RecommendRequest
from service.settings import Settings
from service.supervision.server import server_config
from service.telemetry.logs import logging_config

__all__ = ["create_echo_app", "serve"]

K = 20


def create_echo_app(settings: Settings) -> FastAPI:
    """The service with the two routes."""
    app = create_app(settings)
    bundle = load_bundle(settings.bundle)
    answer = partial(_answer, bundle.catalogue, bundle.bundle_id)
    prebuilt = answer()

    async def echo(_request: RecommendRequest) -> RecommendResponse:
        return answer()

    async def echo_prebuilt(_request: RecommendRequest) -> RecommendResponse:
        return prebuilt

    for path, route in (("/echo", echo), ("/echo-prebuilt", echo_prebuilt)):
        route.__annotations__["_request"] = request_type(settings, RecommendRequest)
        app.add_api_route(path, route, methods=["POST"])
    return app


def _answer(catalogue: Catalogue, bundle_id: str) -> RecommendResponse:
    described = zip(catalogue.item_ids, catalogue.names, catalogue.categories, strict=True)
    return RecommendResponse(
        request_id=uuid4().hex,
        bundle_id=bundle_id,
        source="user+basket",
        degraded=False,
        unknown_items=[],
        unknown_categories=[],
        took_ms=0,
        recommendations=[
            RecommendedItem(item_id=item_id, name=name, category=category, score=0.5)
            for item_id, name, category in islice(described, K)
        ],
    )


def serve(create: Callable[[Settings], FastAPI]) -> None:
    """Create an app by the flags of the command, print the address, and serve until SIGTERM."""
    settings = CliApp.run(Settings)
    with socket.create_server((settings.host, settings.port)) as listener:
        print(f"Listening on http://{settings.host}:{listener.getsockname()[1]}.", flush=True)
        config = server_config(create(settings), settings, logging_config(settings.log_level))
        Server(config).run([listener])


if __name__ == "__main__":
    serve(create_echo_app)
