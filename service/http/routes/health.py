"""Probes and metrics: `GET /health`, `/health/live`, `/health/ready` and `/metrics`."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from service.http.keys.access import Access
from service.http.problems import ProblemError, documented
from service.http.readiness import require_served
from service.serving.serving import Serving
from service.serving.swap import Swap
from service.telemetry.metrics import Metrics

_HIDDEN = "The log says why; so does this route to an admin key."


class Health(BaseModel):
    """The state of the process that answered; reasons in full for an admin key alone.

    They contain paths and business rules.
    """

    live: bool
    ready: bool
    bundle_id: str | None
    reason: str | None = Field(description="Why it is not ready.")
    previous_bundle_id: str | None = Field(description="Where POST /admin/rollback goes back to.")
    bundle_refused: str | None = Field(description="Why the newest bundle is not used.")
    rules_refused: str | None = Field(
        description="Why the newest business rules or availability are not in force."
    )
    rules_warnings: list[str] = Field(
        description="What these name in vain, such as items that do not exist; the first 100."
    )


class _Shared:
    """A result that is made once for all who ask for it in one iteration of the event loop.

    The metrics of several workers take milliseconds, and anyone may ask for them.
    """

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._next: asyncio.Task[bytes] | None = None

    async def get(self) -> bytes:
        """Return a result that is made after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._made())
        return await asyncio.shield(self._next)

    async def _made(self) -> bytes:
        self._next = None
        return self._make()


def health_routes(serving: Serving, swap: Swap, metrics: Metrics, access: Access) -> APIRouter:
    """Return the routes for probes and for Prometheus, which need no key."""
    router = APIRouter()

    @router.get("/health/live", response_class=PlainTextResponse)
    async def live() -> str:
        """Answer 200 while the process runs."""
        return "live\n"

    @router.get("/health/ready", response_class=PlainTextResponse, responses=documented(503))
    async def ready() -> str:
        """Answer 200 once a verified bundle is loaded, until the process begins to shut down."""
        require_served(serving)
        if serving.draining:
            raise ProblemError(503, "Shutting down.")
        return "ready\n"

    @router.get("/health")
    async def health(request: Request) -> Health:
        """Give both states, with the bundle's id or the reason why there is none."""
        served = serving.served
        current, previous = swap.bundle_ids
        warnings = served.rule_files.warnings if served else []
        is_admin = access.has_key(request.scope, "admin")

        def shown(reason: str | None) -> str | None:
            return reason if is_admin or reason is None else _HIDDEN

        return Health(
            live=True,
            ready=served is not None and not serving.draining,
            bundle_id=current,
            reason=shown(serving.reason),
            previous_bundle_id=previous,
            bundle_refused=shown(swap.refused),
            rules_refused=shown(served.rule_files.refused if served else None),
            rules_warnings=warnings if is_admin else [_HIDDEN][: len(warnings)],
        )

    rendered = _Shared(metrics.render)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def scrape() -> PlainTextResponse:
        """Give the metrics in the text format of Prometheus."""
        return PlainTextResponse(await rendered.get(), media_type=CONTENT_TYPE_LATEST)

    for route in [each for each in router.routes if isinstance(each, APIRoute)]:
        router.add_api_route(
            route.path,
            route.endpoint,
            methods=["HEAD"],
            response_class=route.response_class,
            include_in_schema=False,
        )
    return router
