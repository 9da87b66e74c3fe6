"""What a client is told when a request fails: `application/problem+json`, as of RFC 9457.

A `ProblemError` may be raised anywhere below the app. It names each offending field with what was
expected there and what was found.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.support.invalid_fields import FieldError, field_error, sentence, shortened
from service.telemetry.logs import request_id

MEDIA_TYPE = "application/problem+json"

# A body of 64 KiB can hold thousands of mistakes; nobody reads more than a few of them.
_ERRORS_SHOWN = 10


class ProblemError(Exception):
    """A request that cannot be answered, and why."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers

    def response(self) -> Response:
        """Return the HTTP response that states this problem."""
        content = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "errors": self.errors,
            "request_id": request_id.get(),
        }
        return Response(orjson.dumps(content), self.status, self.headers, MEDIA_TYPE)

    @classmethod
    def from_errors(cls, found: Sequence[ErrorDetails]) -> "ProblemError":
        """Return the problem of a body that is no JSON (400) or not of the right form (422)."""
        shown = [field_error(each) for each in found[:_ERRORS_SHOWN]]
        if found[0]["type"] == "json_invalid":
            return cls(400, "The body is not JSON.", shown)
        return cls(422, sentence(found), shown)


async def answer_bug(_request: Request, _error: Exception) -> Response:
    """Answer 500 for an exception that nobody caught (an exception handler of the app).

    Starlette raises it once more then; the server logs it with its traceback and ends the
    connection, which its caller has to know.
    """
    headers = {"Connection": "close"}
    if name := request_id.get():
        headers["X-Request-ID"] = name
    detail = "The service failed; its log has the reason."
    return ProblemError(500, detail, headers=headers).response()


async def answer_problem(_request: Request, error: ProblemError) -> Response:
    """Answer a problem (an exception handler of the app)."""
    return error.response()


async def answer_invalid_request(_request: Request, error: RequestValidationError) -> Response:
    """Answer what FastAPI found wrong with the parameters or the body of a route."""
    # Where a parameter stands (path, query, body) is not part of its name.
    found = [details | {"loc": details["loc"][1:]} for details in error.errors()]
    return ProblemError.from_errors(found).response()


async def answer_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer what the router raises: no such path, or not with this method."""
    asked = shortened(f"{request.method} {request.url.path}")
    problem = ProblemError(error.status_code, f"{asked}: {error.detail}.", headers=error.headers)
    return problem.response()


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of an operation that fails with `statuses`."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": _SCHEMA}},
        }
        for status in statuses
    }


_TEXT = {"type": "string"}
_SCHEMA = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors", "request_id"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "expected", "found"],
                "properties": {"field": _TEXT, "expected": _TEXT, "found": _TEXT},
            },
        },
        "request_id": _TEXT,
    },
}
