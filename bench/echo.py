"""The service with two routes more, which take and give what /recommend does and look nothing up.

/echo           a plain FastAPI route with the request's limits: it builds the answer of 20 items
                for every request, as any service with that answer must, and FastAPI validates
                and encodes it. The limit on the throughput is stated beside this one.
/echo-prebuilt  the same, but the answer was built at the start and is only validated and encoded.

It takes the flags of `rtt2vec-serve`, except for several workers.
"""

import socket
from functools import partial
from itertools import islice
from uuid import uuid4

from fastapi import FastAPI
from pydantic_settings import CliApp
from uvicorn import Server

from service.app import create_app
from service.bundle.bundle import Catalogue, load_bundle
from service.cli import server_config
from service.http.schemas import RecommendedItem, RecommendResponse, request_type
from service.recommending.request import RecommendRequest
from service.settings import Settings

__all__ = ["create_echo_app"]

K = 20


def create_echo_app(settings: Settings) -> FastAPI:
    """The service, with the routes."""
    app = create_app(settings)
    bundle = load_bundle(settings.bundle)
    answer = partial(_answer, bundle.catalogue, bundle.bundle_id)
    prebuilt = answer()

    async def echo(_asked: RecommendRequest) -> RecommendResponse:
        return answer()

    async def echo_prebuilt(_asked: RecommendRequest) -> RecommendResponse:
        return prebuilt

    for path, route in (("/echo", echo), ("/echo-prebuilt", echo_prebuilt)):
        route.__annotations__["_asked"] = request_type(settings, RecommendRequest)
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
        took_ms=0,
        recommendations=[
            RecommendedItem(item_id=item_id, name=name, category=category, score=0.5)
            for item_id, name, category in islice(described, K)
        ],
    )


def main() -> None:
    """Serve until SIGTERM, and say where."""
    settings = CliApp.run(Settings)
    with socket.create_server((settings.host, settings.port)) as listener:
        print(f"Listening on http://{settings.host}:{listener.getsockname()[1]}.", flush=True)
        config = server_config(partial(create_echo_app, settings), settings)
        Server(config).run([listener])


if __name__ == "__main__":
    main()
