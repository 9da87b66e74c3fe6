"""Swapping bundles by hand: `POST /admin/reload` and `POST /admin/rollback`."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.http.problems import ProblemError, documented
from service.serving.swap import Swap, SwapError
from service.support.apart import apart


class SwapResponse(BaseModel):
    """The bundles of the worker that answered; the other workers follow within a second."""

    bundle_id: str | None
    previous_bundle_id: str | None = Field(description="Where a rollback would go back to.")


def admin_routes(swap: Swap) -> APIRouter:
    """Return the routes that swap bundles."""
    router = APIRouter(prefix="/admin")

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
