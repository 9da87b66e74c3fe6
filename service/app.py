"""The HTTP service: its parts, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from service.endpoint import RecommendEndpoint
from service.metrics import Metrics
from service.middleware import RequestMiddleware, Shortcut
from service.problems import (
    ProblemError,
    answer_http_exception,
    answer_invalid_request,
    answer_problem,
)
from service.routes.health import health_routes
from service.routes.related import related_routes
from service.routes.rules import rules_routes
from service.routes.shoppers import shopper_routes
from service.routes.substitutes import substitutes_routes
from service.serving import Serving
from service.settings import Settings


def create_app(settings: Settings, metrics: Metrics | None = None) -> FastAPI:
    """Return the service. It reads its bundle when it starts to run, not before.

    It counts in `metrics`, or in some of its own.

    A bundle that is refused does not end the process: it answers as live, not as ready, and says
    why. (`rtt2vec-serve` looks at the bundle first, and does not start with a bad one.)
    """
    metrics = metrics or Metrics()
    serving = Serving(settings, metrics)
    recommend = RecommendEndpoint(settings, metrics, serving).route()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # In a thread, so that liveness answers meanwhile.
        loading = asyncio.create_task(asyncio.to_thread(serving.load))
        loading.add_done_callback(serving.note_failure)
        watching = asyncio.create_task(serving.watch_rules())
        yield
        watching.cancel()
        await loading
        metrics.retire()

    app = FastAPI(
        title="rtt2vec",
        summary="Real-time within-basket recommendations.",
        version=version("rtt2vec"),
        lifespan=lifespan,
        middleware=[
            Middleware(RequestMiddleware, metrics=metrics),
            Middleware(Shortcut, route=recommend),
        ],
        exception_handlers={
            ProblemError: answer_problem,
            RequestValidationError: answer_invalid_request,
            HTTPException: answer_http_exception,
        },
        redirect_slashes=False,
        redoc_url=None,
    )
    app.state.serving = serving
    app.router.routes.append(recommend)
    app.include_router(health_routes(serving, metrics))
    app.include_router(related_routes(serving, settings))
    app.include_router(shopper_routes(serving, settings))
    app.include_router(rules_routes(serving, settings))
    app.include_router(substitutes_routes(serving, settings))
    return app
