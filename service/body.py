"""The body of a request: read whole, but never more than the limit."""

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from service.problems import FieldError, ProblemError


async def read_json_body(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    """Return the body's bytes.

    Raises:
        ProblemError: 415 when the body is not declared as JSON, 413 when it exceeds `limit_bytes`,
            400 when the client hangs up half way.
    """
    headers = Headers(scope=scope)
    media_type = headers.get("content-type", "")
    if media_type.partition(";")[0].strip().lower() != "application/json":
        expected = "application/json"
        wrong = FieldError("Content-Type", expected, media_type[:60] or "nothing")
        raise ProblemError(415, f"The body must be declared as {expected}.", [wrong])

    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes, f"{declared} bytes")
    # A chunked body declares no length, so the bytes are counted as they come.
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ProblemError(400, "The connection closed before the end of the body.")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes, "more")
    return bytes(body)


def _too_large(limit_bytes: int, found: str) -> ProblemError:
    expected = f"at most {limit_bytes} bytes"
    return ProblemError(
        413, f"The body may have {limit_bytes} bytes.", [FieldError("body", expected, found)]
    )
