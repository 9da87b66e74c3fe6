"""Access: which API keys open which routes."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from hmac import compare_digest

from fastapi import Depends, Request, params
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import Scope

from service.http.api_keys import ALWAYS_GUARDED, ApiKey, ApiScope, read_api_keys
from service.http.problems import ProblemError
from service.http.rate_limits import RateLimits
from service.settings import Settings

Guard = Callable[[Scope], None]
"""Raises a `ProblemError` (401, 403 or 429) for a request that must not pass."""

# Checks nothing; the OpenAPI document learns from it how to send a key.
_bearer = HTTPBearer(auto_error=False, scheme_name="API key")


class Access:
    """The keys of the settings, and the routes that they open.

    Without a file of keys all routes are open, but for those in `ALWAYS_GUARDED`.
    """

    def __init__(self, settings: Settings) -> None:
        """Reads the keys.

        Raises:
            ApiKeysError: the file of keys cannot be used.
            ExtraMissingError: a key has a rate limit, and the extra for it is not installed.
        """
        self._closed = settings.api_keys is not None
        self._keys = read_api_keys(settings.api_keys) if settings.api_keys is not None else []
        secret = settings.admin_key.get_secret_value() if settings.admin_key is not None else ""
        if secret:
            digest = sha256(secret.encode()).hexdigest()
            name = "RTT2VEC_ADMIN_KEY"
            self._keys.insert(0, ApiKey(name=name, sha256=digest, scopes=ALWAYS_GUARDED))
        self._limits = RateLimits(self._keys)

    def guard(self, wanted: ApiScope) -> Guard | None:
        """Return a function that refuses requests without a key of this scope; None if all pass."""
        if not self._closed and wanted not in ALWAYS_GUARDED:
            return None

        def check(scope: Scope) -> None:
            if wanted in ALWAYS_GUARDED and not any(wanted in key.scopes for key in self._keys):
                raise ProblemError(403, f"This route is off: no key has the scope {wanted}.")
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
        """Return the guard as dependencies of a route or of a router."""
        guard = self.guard(wanted)
        if guard is None:
            return []

        async def check(request: Request) -> None:
            guard(request.scope)

        return [Depends(_bearer), Depends(check)]


def _sent(scope: Scope) -> bytes:
    """Return the key that came with the request; empty if none came."""
    scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
    return key.strip().encode("latin-1") if scheme.lower() == "bearer" else b""


def _find(keys: Iterable[ApiKey], sent: bytes) -> ApiKey | None:
    """Return the key with this text; the time it takes does not depend on how close a guess is."""
    digest = sha256(sent).hexdigest()
    return next((key for key in keys if compare_digest(key.sha256, digest)), None)
