"""`GET /openapi.json`, and `GET /docs`: the same as a page that loads nothing from anywhere."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future
from functools import lru_cache
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from service.support.apart import apart

_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_STYLE = """
body {font: 15px/1.4 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em}
table {border-collapse: collapse} td {border-top: 1px solid #ccc; padding: .3em 1em .3em 0}
code {font-size: 13px; overflow-wrap: anywhere}
"""


def docs_routes() -> APIRouter:
    """Return both routes.

    What they answer is made once, since anyone may ask for it, while other requests go on.
    """
    router = APIRouter(include_in_schema=False)

    @lru_cache(1)
    def document(app: FastAPI) -> Future[bytes]:
        return apart(_document, app)

    @lru_cache(1)
    def page(app: FastAPI) -> Future[bytes]:
        return apart(_page, app)

    @router.api_route("/openapi.json", methods=["GET", "HEAD"])
    async def openapi(request: Request) -> Response:
        content = await asyncio.wrap_future(document(request.app))
        return Response(content, media_type="application/json")

    @router.api_route("/docs", methods=["GET", "HEAD"], response_class=HTMLResponse)
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(await asyncio.wrap_future(page(request.app)), headers=_HEADERS)

    return router


def _document(app: FastAPI) -> bytes:
    return json.dumps(app.openapi(), ensure_ascii=False, separators=(",", ":")).encode()


def _page(app: FastAPI) -> bytes:
    return "\n".join(_lines(app.openapi())).encode()


def _lines(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{info['title']}</title>"
    yield f"<style>{_STYLE}</style><h1>{info['title']} {info['version']}</h1>"
    yield f"<p>{escape(info['summary'])} <a href=openapi.json>The OpenAPI document</a></p>"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(operation.get('description', ''))}</p><table>"
            yield from map(_row, _fields(operation))
            yield "</table><p>Answers: "
            yield ", ".join(f"{s} {a['description']}" for s, a in operation["responses"].items())
            yield "</p>"


def _fields(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The name, place and schema of what a request has."""
    for each in operation.get("parameters", ()):
        yield each["name"], each["in"], each["schema"]
    for media in operation.get("requestBody", {}).get("content", {}).values():
        for name, schema in media["schema"]["properties"].items():
            yield name, "body", schema


def _row(field: tuple[str, str, dict[str, Any]]) -> str:
    name, place, schema = field
    limits = {key: schema[key] for key in schema.keys() - {"title", "description"}}
    text, found = schema.get("description", ""), json.dumps(limits, sort_keys=True)
    cells = (f"<code>{name}</code>", place, escape(text), f"<code>{escape(found)}</code>")
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
