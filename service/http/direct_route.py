"""A route that FastAPI only documents: its endpoint answers requests by itself."""

from collections.abc import Callable
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import ASGIApp

from service.http.body import described
from service.http.keys.access import Access
from service.http.problems import documented


def direct_route(
    path: str,
    endpoint: ASGIApp,
    documented_by: Callable[..., Any],
    body: dict[str, Any],
    response_model: type[BaseModel],
    access: Access,
) -> APIRoute:
    """Return a route for POST that callers with the scope `recommend` may use.

    Args:
        path: of the route.
        endpoint: answers every request, checks of its key and body included.
        documented_by: its name and docstring are the route's; it is never called.
        body: the JSON schema of the body, without $refs.
        response_model: of the answer with 200.
        access: what callers may do.
    """
    route = APIRoute(
        path,
        documented_by,
        methods=["POST"],
        response_model=response_model,
        dependencies=access.dependencies("recommend"),
        responses=documented(400, 401, 403, 413, 415, 422, 429, 500, 503),
        openapi_extra=described(body),
    )
    route.app = endpoint
    return route
