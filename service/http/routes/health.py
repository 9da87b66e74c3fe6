"""Probes and metrics: `GET /health`, `/health/live`, `/health/ready` and `/metrics`."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from service.http.problems import ProblemError, documented
from service.http.readiness import require_served
from service.serving.serving import Serving
from service.serving.swap import Swap
from service.telemetry.metrics import Metrics


class Health(BaseModel):
    """The state of the process that answered."""

    live: bool
    ready: bool
    bundle_id: str | None
    reason: str | None = Field(description="Why it is not ready.")
    previous_bundle_id: str | None = Field(description="Where POST /admin/rollback goes back to.")
    bundle_refused: str | None = Field(description="Why the newest bundle is not used.")
    rules_refused: str | None = Field(
        description="Why the newest business rules or availability are not in force."
    )


def health_routes(serving: Serving, swap: Swap, metrics: Metrics) -> APIRouter:
    """Return the routes for probes and for Prometheus."""
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
    async def health() -> Health:
        """Give both states, with the bundle's id or the reason why there is none."""
        served = serving.served
        current, previous = swap.bundle_ids
        return Health(
            live=True,
            ready=served is not None and not serving.draining,
            bundle_id=current,
            reason=serving.reason,
            previous_bundle_id=previous,
            bundle_refused=swap.refused,
            rules_refused=served.rule_files.refused if served else None,
        )

    @router.get("/metrics", response_class=PlainTextResponse)
    async def scrape() -> PlainTextResponse:
        """Give the metrics in the text format of Prometheus."""
        return PlainTextResponse(metrics.render(), media_type=CONTENT_TYPE_LATEST)

    return router
