"""What a client is told when a request fails: `application/problem+json`, as of RFC 9457.

A `ProblemError` may be raised anywhere below the app. It names each offending field with what was
expected there and what was found.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.telemetry.logs import request_id

MEDIA_TYPE = "application/problem+json"

# A body of 64 KiB can hold thousands of mistakes; nobody reads more than a few of them.
_ERRORS_SHOWN = 10
_CHARS_SHOWN = 60

# By pydantic's error type, filled in from the error's context.
_EXPECTED = {
    "model_type": "an object",
    "model_attributes_type": "an object",
    "missing": "a value",
    "list_type": "an array",
    "string_type": "a string",
    "string_unicode": "characters that UTF-8 can hold",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "bool_type": "true or false",
    "float_type": "a number",
    "datetime_parsing": "a moment, as of ISO 8601",
    "datetime_from_date_parsing": "a moment, as of ISO 8601",
    "too_long": "at most {max_length} items",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "a string that matches {pattern}",
    "string_too_short": "at least {min_length} character(s)",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "extra_forbidden": "no such field",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with a request."""

    field: str
    expected: str
    found: str


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
    def from_validation(cls, error: ValidationError) -> "ProblemError":
        """Return the problem of a body that is no JSON (400) or not of the right form (422)."""
        return cls.from_errors(error.errors(include_url=False))

    @classmethod
    def from_errors(cls, found: Sequence[ErrorDetails]) -> "ProblemError":
        """Return the same problem of what pydantic found."""
        if found[0]["type"] == "json_invalid":
            reason = found[0]["ctx"]["error"]
            return cls(400, "The body is not JSON.", [FieldError("body", "a JSON object", reason)])
        shown = [_field_error(each) for each in found[:_ERRORS_SHOWN]]
        first = shown[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        detail = f"{first.field}: expected {first.expected}, found {first.found}{more}."
        return cls(422, detail, shown)


def _field_error(error: ErrorDetails) -> FieldError:
    template = _EXPECTED.get(error["type"])
    expected = template.format_map(error.get("ctx", {})) if template else error["msg"]
    return FieldError(_field(error["loc"]), expected, _found(error["input"]))


def _field(location: tuple[int | str, ...]) -> str:
    """`("basket", 3)` reads `basket[3]`; the whole body reads `body`."""
    name = "".join(f"[{part}]" if isinstance(part, int) else str(part) for part in location)
    return _shortened(name or "body")


def _found(value: Any) -> str:
    match value:
        case str() if len(value) > _CHARS_SHOWN:
            return f"a string of {len(value)} characters"
        case list():
            return f"an array of {len(value)} item(s)"
        case dict():
            return "an object"
        case _:
            return _shortened(json.dumps(value, ensure_ascii=False, default=str))


def _shortened(text: str) -> str:
    text = text.encode(errors="replace").decode()  # half a surrogate pair cannot be answered
    return text if len(text) <= _CHARS_SHOWN else f"{text[:_CHARS_SHOWN]}…"


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
    asked = _shortened(f"{request.method} {request.url.path}")
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
