"""The HTTP service: its parts, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from service.events import open_stream
from service.http.access import Access
from service.http.admission import Queue
from service.http.api_keys import ApiScope
from service.http.middleware import RequestMiddleware, Shortcut
from service.http.problems import (
    ProblemError,
    answer_bug,
    answer_http_exception,
    answer_invalid_request,
    answer_problem,
    documented,
)
from service.http.routes.admin import admin_routes
from service.http.routes.health import health_routes
from service.http.routes.recommend import RecommendEndpoint
from service.http.routes.related import related_routes
from service.http.routes.rules import rules_routes
from service.http.routes.score import score_routes
from service.http.routes.substitutes import substitutes_routes
from service.http.routes.users import users_routes
from service.http.shedding import Shedding
from service.serving.draining import drain_first
from service.serving.serving import Serving, every_second
from service.serving.swap import Swap
from service.settings import Settings
from service.support.failures import log_failure
from service.telemetry.metrics import Metrics


def create_app(
    settings: Settings, metrics: Metrics | None = None, shared: Path | None = None
) -> FastAPI:
    """Return the service. It reads its bundle when it starts to run, not before.

    It counts in `metrics`, or in some of its own. `shared` is a directory of all workers.

    A bundle that is refused does not end the process: it answers as live, not as ready, and says
    why. (`rtt2vec-serve` looks at the bundle first, and does not start with a bad one.)
    """
    tracing = None
    if settings.traces is not None:
        from service.telemetry.tracing import Tracing  # with its libraries

        tracing = Tracing(settings.traces, settings.trace_share)
    metrics = metrics or (tracing.metrics() if tracing else Metrics())
    stream = open_stream(settings, metrics.observe_events, metrics.observe_consuming)
    serving = Serving(settings, metrics, stream.journal if stream else None)
    swap = Swap(serving, settings, metrics, shared)
    access = Access(settings)
    queue = Queue(settings.queue_limit, metrics.observe_shed)
    recommend = RecommendEndpoint(settings, metrics, serving, access, queue).route()
    shedding = Shedding(queue, settings.body_limit_bytes, metrics.shed_early(recommend.path))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Shedding]]:
        drain_first(serving, settings.drain_s)
        # In a thread, so that liveness answers meanwhile.
        loading = asyncio.create_task(asyncio.to_thread(swap.start))
        loading.add_done_callback(partial(log_failure, "starting"))
        if settings.workers > 1:
            await asyncio.wait([loading])  # the others answer, and need not share with it yet
        looks = (serving.look_at_rules, swap.look)
        watching = [asyncio.create_task(every_second(look)) for look in looks]
        async with stream.running() if stream is not None else nullcontext():
            yield {"shedding": shedding}
        for each in watching:
            each.cancel()
        await asyncio.wait([loading])
        await asyncio.to_thread(serving.close)
        if tracing is not None:
            await asyncio.to_thread(tracing.close)
        metrics.retire()

    app = FastAPI(
        title="rtt2vec",
        summary="Real-time within-basket recommendations.",
        version=version("rtt2vec"),
        lifespan=lifespan,
        middleware=[
            *([tracing.middleware()] if tracing else []),
            Middleware(RequestMiddleware, metrics=metrics, serving=serving),
            *_cors(settings),
            Middleware(Shortcut, route=recommend),
        ],
        exception_handlers={
            Exception: answer_bug,
            ProblemError: answer_problem,
            RequestValidationError: answer_invalid_request,
            HTTPException: answer_http_exception,
        },
        redirect_slashes=False,
        redoc_url=None,
    )
    app.state.serving, app.state.swap = serving, swap
    app.router.routes.append(recommend)
    app.include_router(health_routes(serving, swap, metrics))
    guarded: list[tuple[ApiScope, APIRouter]] = [
        ("recommend", related_routes(serving, settings)),
        ("recommend", substitutes_routes(serving, settings)),
        ("profiles", score_routes(serving, settings)),
        ("profiles", users_routes(serving, settings)),
        ("admin", rules_routes(serving, settings)),
        ("admin", admin_routes(swap)),
    ]
    if stream is not None:
        from service.http.routes.events import (
            events_routes,  # with its libraries, which take a while
        )

        guarded.append(("events", events_routes(stream, settings)))
    for scope, router in guarded:
        refusals = documented(401, 403, 429)
        dependencies = access.dependencies(scope)
        if scope in ("recommend", "profiles"):  # what shoppers wait for
            dependencies.append(Depends(queue.turn))
        app.include_router(router, dependencies=dependencies, responses=refusals)
    return app


def _cors(settings: Settings) -> list[Middleware]:
    if settings.cors_origins is None:
        return []
    origins = [origin.strip() for origin in settings.cors_origins.split(",")]
    headers = ["authorization", "content-type", "x-request-id"]
    methods = ["GET", "POST"]
    return [
        Middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=methods, allow_headers=headers
        )
    ]
