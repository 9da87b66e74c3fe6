"""What moves the service from one bundle to another: `POST /admin/reload` and `/admin/rollback`."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.http.problems import ProblemError, documented
from service.serving.swap import Swap, SwapError


class SwapResponse(BaseModel):
    """What the worker that was asked answers from now; the others follow within a second."""

    bundle_id: str | None
    previous_bundle_id: str | None = Field(description="What a rollback would go back to.")


def admin_routes(swap: Swap) -> APIRouter:
    """Return the routes for those who run the service."""
    router = APIRouter(prefix="/admin")

    @router.post("/reload", responses=documented(409, 500))
    async def reload() -> SwapResponse:
        """Have the current bundle take over now, also if it was refused before."""
        return await _moved(swap, swap.reload)

    @router.post("/rollback", responses=documented(409, 500))
    async def rollback() -> SwapResponse:
        """Have the bundle that answered before answer again; a second time undoes it."""
        return await _moved(swap, swap.rollback)

    return router


async def _moved(swap: Swap, move: Callable[[], None]) -> SwapResponse:
    try:
        await asyncio.to_thread(move)
    except SwapError as error:
        raise ProblemError(409, str(error)) from error
    current, previous = swap.bundle_ids
    return SwapResponse(bundle_id=current, previous_bundle_id=previous)
