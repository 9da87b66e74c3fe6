"""Query parameters: one that several routes have, and the refusal of unknown ones."""

from collections import Counter
from collections.abc import Collection

from fastapi import Query, Request
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.types import Scope

from service.http.problems import ProblemError
from service.support.invalid_fields import FieldError, shortened

STORE = Query(description="The store whose business rules and stock apply; null for none.")
"""The parameter `store_id`."""

_SHOWN = 10  # a request line of 16 KiB has room for thousands


async def refuse_unknown_parameters(request: Request) -> None:
    """Refuse a request with parameters that its route does not have (a dependency).

    Raises:
        ProblemError: 422, with the parameters that the route has.
    """
    route = request.scope.get("route")
    if request.scope["query_string"] and isinstance(route, APIRoute):
        known = route.dependant.query_params  # of the endpoint; no dependency has any
        refuse_other_parameters(request.scope, [each.alias for each in known])


def refuse_other_parameters(scope: Scope, known: Collection[str] = ()) -> None:
    """Refuse a request with other query parameters than the known ones, or with one twice.

    Raises:
        ProblemError: 422.
    """
    if not scope["query_string"]:
        return
    sent = Counter(name for name, _ in QueryParams(scope["query_string"]).multi_items())
    expected = f"only {', '.join(known)}" if known else "no parameters"
    wrong = [FieldError("query", expected, shortened(name)) for name in sent if name not in known]
    wrong += [
        FieldError(name, "one value", str(count))
        for name, count in sent.items()
        if name in known and count > 1
    ]
    if wrong:
        raise ProblemError(422, f"{wrong[0]}.", wrong[:_SHOWN])
