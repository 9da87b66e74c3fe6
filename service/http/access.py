"""Access: which callers may use which routes."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from hmac import compare_digest

from fastapi import Depends, Request, params
from fastapi.security import HTTPBearer
from starlette.types import Scope

from service.http.api_keys import ApiKey, ApiScope, read_api_keys
from service.http.problems import ProblemError
from service.http.rate_limits import RateLimits
from service.settings import Settings

Guard = Callable[[Scope], None]
"""Raises a `ProblemError` for a request that may not pass: 401, 403 or 429."""

# Checks nothing: it tells the OpenAPI document how a key is sent.
_bearer = HTTPBearer(auto_error=False, scheme_name="API key")


class Access:
    """The keys of the settings, and what they open.

    Without a file of keys everybody may use all routes but the admin's, which nobody may use
    without a key.
    """

    def __init__(self, settings: Settings) -> None:
        """Reads the keys.

        Raises:
            ApiKeysError: their file cannot be used.
            ExtraMissingError: one of them has a limit, which an extra is needed for.
        """
        self._closed = settings.api_keys is not None
        self._keys = read_api_keys(settings.api_keys) if settings.api_keys is not None else []
        secret = settings.admin_key.get_secret_value() if settings.admin_key is not None else ""
        if secret:
            digest = sha256(secret.encode()).hexdigest()
            admin = frozenset[ApiScope](["admin"])
            self._keys.append(ApiKey(name="RTT2VEC_ADMIN_KEY", sha256=digest, scopes=admin))
        self._limits = RateLimits(self._keys)

    def guard(self, wanted: ApiScope) -> Guard | None:
        """Return what lets through who sent a key of this scope, or None where all may pass."""
        if not self._closed and wanted != "admin":
            return None

        def check(scope: Scope) -> None:
            if wanted == "admin" and not any("admin" in key.scopes for key in self._keys):
                raise ProblemError(403, "Admin routes are off: the service has no admin key.")
            key = _find(self._keys, _sent(scope))
            if key is None:
                detail = "Send an API key as Authorization: Bearer …"
                raise ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"})
            scope.setdefault("noted", {})["api_key"] = key.name  # for the log
            if wanted not in key.scopes:
                raise ProblemError(403, f"The key {key.name} does not have the scope {wanted}.")
            self._limits.count(key)

        return check

    def dependencies(self, wanted: ApiScope) -> list[params.Depends]:
        """Return what puts the guard before a route, or before a router as it is included."""
        guard = self.guard(wanted)
        if guard is None:
            return []

        async def check(request: Request) -> None:
            guard(request.scope)

        return [Depends(_bearer), Depends(check)]


def _sent(scope: Scope) -> bytes:
    """Return the key that was sent, empty if none was."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            return bytes(key.strip()) if scheme.lower() == b"bearer" else b""
    return b""


def _find(keys: Iterable[ApiKey], sent: bytes) -> ApiKey | None:
    """Return the key of this text; how long it takes tells nothing of how close a wrong one is."""
    digest = sha256(sent).hexdigest()
    found = None
    for key in keys:
        if compare_digest(key.sha256, digest):
            found = key
    return found
