"""The storefront: `GET /shop`, `GET /console`, and `GET /embed.js` for other pages."""

from hashlib import blake2b
from mimetypes import guess_type
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.http.problems import ProblemError

FILES = Path(__file__).parents[3] / "storefront"
"""Beside the service, in the repository as in an installation."""

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; object-src 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _File(NamedTuple):
    content: bytes
    headers: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "_File":
        content = path.read_bytes()
        kind, _ = guess_type(path.name)
        text = kind is not None and kind.startswith("text/")
        headers = {
            "Content-Type": f"{kind}; charset=utf-8" if text else str(kind),
            "ETag": f'"{blake2b(content, digest_size=12).hexdigest()}"',
        }
        return cls(content, _HEADERS | headers)

    def response(self, request: Request) -> Response:
        """Return the file, or 304 if the browser has it."""
        if request.headers.get("if-none-match") == self.headers["ETag"]:
            return Response(status_code=304, headers=self.headers)
        return Response(self.content, headers=self.headers)


def storefront_routes() -> APIRouter:
    """Return the routes; the files are read once, when the service starts."""
    router = APIRouter(include_in_schema=False)
    files = {
        path.relative_to(FILES).as_posix(): _File.read(path)
        for path in FILES.rglob("*")
        if path.is_file()
    }

    @router.api_route("/shop", methods=["GET", "HEAD"])
    async def shop(request: Request) -> Response:
        return files["index.html"].response(request)

    @router.api_route("/console", methods=["GET", "HEAD"])
    async def console(request: Request) -> Response:
        return files["console.html"].response(request)

    @router.api_route("/embed.js", methods=["GET", "HEAD"])
    async def embed(request: Request) -> Response:
        return files["embed.js"].response(request)

    @router.api_route("/shop/", methods=["GET", "HEAD"])
    @router.api_route("/console/", methods=["GET", "HEAD"])
    async def slash(request: Request) -> Response:
        # Relative, for services behind a path of a proxy.
        page = request.url.path.rstrip("/").rpartition("/")[2]
        return Response(status_code=308, headers={"Location": f"../{page}"})

    @router.api_route("/shop/{path:path}", methods=["GET", "HEAD"])
    async def file(request: Request, path: str) -> Response:
        found = files.get(path)
        if found is None:
            raise ProblemError(404, "No such file in the shop; it begins at /shop.")
        return found.response(request)

    return router
