"""Request bodies: read whole, up to a limit of bytes, and validated."""

import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.types import Receive, Scope

from service.http.problems import ProblemError
from service.support.invalid_fields import FieldError, errors_of, shortened

_Model = TypeVar("_Model", bound=BaseModel)

# Brackets of a body, those in its texts included. Python takes 0.3 s to make 350,000 arrays, which
# 1 MiB can hold; no valid body needs a tenth of that.
_CONTAINERS_LIMIT = 20_000

_GZIP = ("gzip", "x-gzip")
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)


def json_body(model: type[_Model], limit_bytes: int) -> Callable[[Request], Awaitable[_Model]]:
    """Return a dependency for routes, `Depends(…)`, that gives the body as a `model`.

    FastAPI itself reads bodies of any size and content type, and accepts half of a surrogate pair,
    which cannot be encoded in an answer. OpenAPI does not see this dependency: add `described`.
    """

    async def body(request: Request) -> _Model:
        content = await read_json_body(request.scope, request.receive, limit_bytes)
        return parse_json(model, content)

    return body


def parse_json(model: type[_Model], content: bytes) -> _Model:
    """Return the body as a `model`.

    Raises:
        ProblemError: 400 when it is not JSON, 422 when a field is invalid.
    """
    if (count := content.count(b"[") + content.count(b"{")) > _CONTAINERS_LIMIT:
        wrong = FieldError("body", f"at most {_CONTAINERS_LIMIT} arrays and objects", str(count))
        raise ProblemError(422, f"{wrong}.", [wrong])
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise ProblemError.from_errors(errors_of(error)) from error


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose body has this JSON schema, one without $refs."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def read_json_body(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    """Return the body's bytes, unpacked and without a byte order mark.

    Raises:
        ProblemError: 415 when the body is not declared as JSON in UTF-8, packed by gzip or not at
            all; 413 when it exceeds `limit_bytes`, packed or unpacked; 400 when the client
            disconnects before its end, or it is not gzip.
    """
    # The first one of each name. (Starlette's `Headers` looks through all of them each time.)
    headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
    is_packed = _is_packed(headers.get(b"content-type", b""), headers.get(b"content-encoding", b""))
    declared = headers.get(b"content-length", b"").lstrip(b"0")  # thousands of them are valid
    if declared.isdigit() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes, f"{int(declared)} bytes")
    # A chunked body declares no length.
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ProblemError(400, "The connection closed before the end of the body.")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes, "more")
    content = _unpacked(body, limit_bytes) if is_packed else bytes(body)
    return content.removeprefix(BOM_UTF8)


@lru_cache(maxsize=16)  # most clients declare the same
def _is_packed(content_type: bytes, content_encoding: bytes) -> bool:
    """Refuse a body that is declared as something else; return whether it is packed by gzip."""
    media_type = content_type.decode("latin-1")
    if media_type.partition(";")[0].strip().lower() != "application/json":
        wrong = FieldError("Content-Type", "application/json", shortened(media_type) or "nothing")
        raise ProblemError(415, "The body must be declared as application/json.", [wrong])
    charset = _CHARSET.search(media_type)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        wrong = FieldError("Content-Type", "JSON in UTF-8", shortened(media_type))
        raise ProblemError(415, "The body must be in UTF-8.", [wrong])
    encoding = content_encoding.decode("latin-1").strip().lower() or "identity"
    if encoding not in ("identity", *_GZIP):
        wrong = FieldError("Content-Encoding", "gzip or nothing", shortened(encoding))
        raise ProblemError(415, f"{wrong}.", [wrong], headers={"Accept-Encoding": "gzip"})
    return encoding in _GZIP


def _unpacked(packed: bytes | bytearray, limit_bytes: int) -> bytes:
    """Unpack gzip of one or more members, of which no more than the limit is made."""
    content, rest = b"", bytes(packed)
    while rest:
        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            content += member.decompress(rest, limit_bytes + 1 - len(content))
        except zlib.error as error:
            wrong = FieldError("body", "gzip, as Content-Encoding says", str(error))
            raise ProblemError(400, "The body is not gzip.", [wrong]) from error
        if len(content) > limit_bytes:
            raise _too_large(limit_bytes, "more, unpacked")
        if not member.eof:
            wrong = FieldError("body", "gzip, as Content-Encoding says", "an early end")
            raise ProblemError(400, "The body is not gzip.", [wrong])
        rest = member.unused_data
    return content


def _too_large(limit_bytes: int, found: str) -> ProblemError:
    wrong = FieldError("body", f"at most {limit_bytes} bytes", found)
    return ProblemError(413, f"The body may have {limit_bytes} bytes.", [wrong])
