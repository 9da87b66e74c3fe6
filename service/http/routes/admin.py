"""Bundles that take over: `POST /admin/reload`, `POST /admin/rollback`, `GET /admin/swaps`."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.http.problems import ProblemError, documented
from service.http.schemas import Moment
from service.serving.errors import SwapError
from service.serving.swap import Swap
from service.support.apart import apart


class SwapResponse(BaseModel):
    """The bundles of the worker that answered; the other workers follow within a second."""

    bundle_id: str | None
    previous_bundle_id: str | None = Field(description="Where a rollback would go back to.")


class SwapRecord(BaseModel):
    """A bundle that began to answer, or a newer one that was refused."""

    at: Moment
    bundle_id: str | None = Field(description="Which answered from then on; null if refused.")
    refused: str | None = Field(description="Why the newest bundle was not used.")


class SwapsResponse(BaseModel):
    """What the worker that answers has done since it started, the latest first, 50 at most."""

    swaps: list[SwapRecord]


def admin_routes(swap: Swap) -> APIRouter:
    """Return the routes that swap bundles and tell of swaps."""
    router = APIRouter(prefix="/admin")

    @router.get("/swaps", responses=documented(500))
    async def swaps() -> SwapsResponse:
        """Tell which bundles have answered, and which were refused."""
        latest = swap.history.latest()
        return SwapsResponse.model_validate({"swaps": latest}, from_attributes=True)

    @router.post("/reload", responses=documented(409, 500))
    async def reload() -> SwapResponse:
        """Load the current bundle and use it, even if it was refused before."""
        return await _swapped(swap, swap.reload)

    @router.post("/rollback", responses=documented(409, 500))
    async def rollback() -> SwapResponse:
        """Use the previous bundle again; a second rollback undoes the first."""
        return await _swapped(swap, swap.rollback)

    return router


async def _swapped(swap: Swap, change: Callable[[], None]) -> SwapResponse:
    try:
        await asyncio.wrap_future(apart(change))
    except SwapError as error:
        raise ProblemError(409, str(error)) from error
    current, previous = swap.bundle_ids
    return SwapResponse(bundle_id=current, previous_bundle_id=previous)
