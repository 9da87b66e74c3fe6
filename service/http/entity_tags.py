"""Answers that a client may keep: one that has not changed since is not sent again."""

from hashlib import blake2b
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from service.http.schemas import Answer

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Not Modified"}}
"""The OpenAPI response of a route whose answers have tags."""

_CACHE_CONTROL = "private, no-cache"  # keep it, and ask each time whether it still holds


def tagged(request: Request, answer: Answer) -> Response:
    """Return an answer with an ETag; 304 without it if the client has the same already.

    The request id is no part of what is compared, so that the tag is a weak one.
    """
    content = answer.model_dump_json(exclude={"request_id"}).encode()
    tag = f'W/"{blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": _CACHE_CONTROL}
    known = request.headers.get("if-none-match", "")
    if tag in (each.strip() for each in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
