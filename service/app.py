"""The HTTP service, put together from its parts."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from service.bundle.bundle import LoadBundle, load_bundle
from service.events import open_stream
from service.http.admission import Queue
from service.http.keys.access import Access
from service.http.keys.api_keys import ApiScope
from service.http.middleware import RequestMiddleware, Shortcut
from service.http.parameters import refuse_unknown_parameters
from service.http.problems import (
    ProblemError,
    answer_bug,
    answer_http_exception,
    answer_invalid_request,
    answer_problem,
    documented,
)
from service.http.protocol.balance import Balance
from service.http.protocol.connections import Connections
from service.http.protocol.shedding import Shedding
from service.http.routes.admin import admin_routes
from service.http.routes.batch import BatchEndpoint
from service.http.routes.catalogue import catalogue_routes
from service.http.routes.console import console_routes
from service.http.routes.docs import docs_routes
from service.http.routes.health import health_routes
from service.http.routes.recommend import RecommendEndpoint
from service.http.routes.related import related_routes
from service.http.routes.rules import rules_routes
from service.http.routes.score import score_routes
from service.http.routes.substitutes import substitutes_routes
from service.http.routes.users import forget_routes, users_routes
from service.serving.forgetting import Forgetting
from service.serving.serving import Serving
from service.serving.swap import Swap
from service.serving.watching import Watch
from service.settings import Settings
from service.support.open_files import room_for_connections
from service.telemetry.log_lines import on_lost_line
from service.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from service.events.stream import PurchaseStream

_POLL_S = 0.1


class _App(FastAPI):
    """With middleware around all that the framework has, its answers to bugs included."""

    def __init__(self, around: Sequence[Middleware], **rest: Any) -> None:
        super().__init__(**rest)
        self._around = around

    def build_middleware_stack(self) -> ASGIApp:
        """Return the framework's layers in those of the service, the first one outermost."""
        app = super().build_middleware_stack()
        for layer, arguments, options in reversed(self._around):
            app = layer(app, *arguments, **options)
        return app


def create_app(
    settings: Settings,
    metrics: Metrics | None = None,
    shared: Path | None = None,
    balance: Balance | None = None,
    load: LoadBundle = load_bundle,
) -> FastAPI:
    """Return the service, which loads its bundle when it starts to run.

    If that bundle is refused, the process goes on: it is live but not ready, and gives the reason.
    (`rtt2vec-serve` checks the bundle before, and does not start with a bad one.)

    Args:
        settings: of the service.
        metrics: to count in; new ones by default.
        shared: a directory that all workers share.
        balance: of connections among the workers, if there are several.
        load: loads a bundle.
    """
    tracing = None
    if settings.traces is not None:
        from service.telemetry.tracing import Tracing  # its libraries are an extra

        tracing = Tracing(settings.traces, settings.trace_share)
    metrics = metrics or (tracing.metrics() if tracing else Metrics())
    on_lost_line(metrics.observe_lost_line)
    stream = open_stream(settings, metrics.stream)
    serving = Serving(settings, metrics, stream.journal if stream else None, shared, load)
    swap = Swap(serving, settings, metrics, shared)
    access = Access(settings)
    queue = Queue(settings.queue_limit, metrics.observe_shed)
    endpoint = RecommendEndpoint(settings, metrics, serving, access, queue)
    recommend = endpoint.route()
    batch = BatchEndpoint(settings, serving, access, queue, endpoint).route()
    shedding = Shedding(
        queue,
        access.forecast("recommend"),
        settings.body_limit_bytes,
        partial(metrics.observe_early, recommend.path),
    )

    connections = Connections(
        room_for_connections(settings.connection_limit),
        settings.unfinished_limit_bytes,
        settings.transfer_timeout_s,
        metrics.observe_cut_connection,
        balance,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, object]]:
        taking_events = stream.running() if stream is not None else nullcontext()
        metrics.observe_workers(settings.workers)
        following = _bundles_in_use(serving, swap, metrics, several_workers=settings.workers > 1)
        async with following, taking_events:
            yield {"shedding": shedding, "connections": connections}
        if tracing is not None:
            await asyncio.to_thread(tracing.close)
        metrics.retire()

    app = _App(
        title="rtt2vec",
        summary="Real-time within-basket recommendations.",
        version=version("rtt2vec"),
        lifespan=lifespan,
        around=[
            *([tracing.middleware()] if tracing else []),
            Middleware(RequestMiddleware, metrics=metrics, serving=serving, balance=balance),
            *_cors(settings, access),
            Middleware(Shortcut, route=recommend),
        ],
        exception_handlers={
            Exception: answer_bug,
            ProblemError: answer_problem,
            RequestValidationError: answer_invalid_request,
            HTTPException: answer_http_exception,
        },
        dependencies=[Depends(refuse_unknown_parameters)],
        telemetry={"tracing": False, "metrics": False, "logs": False},  # `Tracing` and `Metrics` do
        redirect_slashes=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.serving, app.state.swap = serving, swap
    app.router.routes += [recommend, batch]
    app.include_router(health_routes(serving, swap, metrics, access))
    app.include_router(docs_routes())
    if settings.storefront == "on":
        from service.http.routes.storefront import storefront_routes  # reads its files

        app.include_router(storefront_routes())
    for scope, router in _guarded(settings, serving, swap, stream):
        dependencies = access.dependencies(scope)
        if scope in ("recommend", "profiles"):  # a page waits for these
            dependencies.append(Depends(queue.turn))
        app.include_router(router, dependencies=dependencies, responses=documented(401, 403, 429))
    return app


@asynccontextmanager
async def _bundles_in_use(
    serving: Serving, swap: Swap, metrics: Metrics, several_workers: bool
) -> AsyncIterator[None]:
    """Load the bundle, and look for newer ones and for new rules, while the block runs."""
    looks = {"bundles": swap.look, "rules": serving.look_at_rules}
    if several_workers:
        looks["metrics"] = metrics.keep_files
    watches = {name: Watch(name, look, metrics.observe_look) for name, look in looks.items()}
    # Other workers answer, so that this one need not accept requests as long as it has no bundle.
    while several_workers and serving.served is None and not serving.draining:
        if watches["bundles"].looked and not metrics.workers_ready():
            break
        await asyncio.sleep(_POLL_S)
    yield
    for each in watches.values():
        each.stop()
    await asyncio.to_thread(serving.close)


def _guarded(
    settings: Settings, serving: Serving, swap: Swap, stream: "PurchaseStream | None"
) -> Iterator[tuple[ApiScope, APIRouter]]:
    """Yield the routers that may need a key, each after the scope of the key."""
    yield "recommend", related_routes(serving, settings)
    yield "recommend", substitutes_routes(serving, settings)
    yield "recommend", catalogue_routes(serving, settings)  # after the others below /items
    yield "profiles", score_routes(serving, settings)
    yield "profiles", users_routes(serving, settings)
    yield "forget", forget_routes(Forgetting(settings, stream), settings)
    yield "admin", rules_routes(serving, settings)
    yield "admin", admin_routes(swap)
    yield "admin", console_routes(serving, settings)
    if stream is not None:
        from service.http.routes.events import events_routes  # slow to import

        yield "events", events_routes(stream, settings)


def _cors(settings: Settings, access: Access) -> list[Middleware]:
    origins = {each.strip() for each in (settings.cors_origins or "").split(",") if each.strip()}
    if not origins | access.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=sorted(origins | access.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-request-id"],
        )
    ]
