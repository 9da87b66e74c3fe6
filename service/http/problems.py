"""Errors as clients see them: `application/problem+json` (RFC 9457).

A `ProblemError` may be raised anywhere below the app. For each invalid field it gives the field,
what was expected and what was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

_MEDIA_TYPE = "application/problem+json"
_ERRORS_SHOWN = 10  # a body of 64 KiB can hold thousands


@dataclass(eq=False)
class ProblemError(Exception):
    """A request that cannot be answered: the HTTP status, and the reason."""

    status: int
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] | None = None

    def response(self) -> Response:
        """Return the HTTP response."""
        content = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "errors": self.errors,
            "request_id": request_id.get(),
        }
        return Response(orjson.dumps(content), self.status, self.headers, _MEDIA_TYPE)

    @classmethod
    def from_errors(cls, found: Sequence[ErrorDetails]) -> "ProblemError":
        """Return pydantic's errors as a problem: 400 for invalid JSON, else 422."""
        shown = [field_error(each) for each in found[:_ERRORS_SHOWN]]
        if found[0]["type"] == "json_invalid":
            return cls(400, "The body is not JSON.", shown)
        return cls(422, sentence(found), shown)


async def answer_bug(_request: Request, _error: Exception) -> Response:
    """Answer 500 for an unexpected exception (an exception handler of the app).

    Starlette then raises it again; the server logs the traceback and closes the connection, which
    is why the response says so.
    """
    detail = "The service failed; its log has the reason."
    return ProblemError(500, detail, headers={"Connection": "close"}).response()


async def answer_problem(_request: Request, error: ProblemError) -> Response:
    """Answer a problem (an exception handler of the app)."""
    return error.response()


async def answer_invalid_request(_request: Request, error: RequestValidationError) -> Response:
    """Answer a request that FastAPI finds invalid (an exception handler of the app)."""
    # The first part of a location is the place of the parameter (path, query, body).
    found = [details | {"loc": details["loc"][1:]} for details in error.errors()]
    return ProblemError.from_errors(found).response()


async def answer_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer an unknown path or method (an exception handler of the app)."""
    detail = f"{shortened(f'{request.method} {request.url.path}')}: {error.detail}."
    return ProblemError(error.status_code, detail, headers=error.headers).response()


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of an operation that fails with `statuses`."""
    content = {_MEDIA_TYPE: {"schema": {"title": "Problem"} | _SCHEMA}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an object that has all these properties."""
    return {"type": "object", "required": list(properties), "properties": properties}


_TEXT = {"type": "string"}
_SCHEMA = _object(
    type=_TEXT,
    title=_TEXT,
    status={"type": "integer"},
    detail=_TEXT,
    errors={"type": "array", "items": _object(field=_TEXT, expected=_TEXT, found=_TEXT)},
    request_id=_TEXT,
)
