"""Access: which API keys open which routes."""

from collections.abc import Callable
from hashlib import sha256
from typing import Literal

from fastapi import Depends, Request, params
from fastapi.security import HTTPBearer
from starlette.types import Scope

from service.http.keys.api_keys import (
    ALWAYS_GUARDED,
    ApiKey,
    ApiKeysError,
    ApiScope,
    read_api_keys,
)
from service.http.keys.rate_limits import RateLimits
from service.http.problems import ProblemError
from service.settings import SECRET_CHARS, Settings

Guard = Callable[[Scope], None]
"""Raises a `ProblemError` (401, 403 or 429) for a request that must not pass."""

Verdict = Literal["passes", "refused", "unknown"]
"""What a guard does with a key: `unknown` is refused, too, and any key that was not sent."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_OF_PROXIES = {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via"}

# Checks nothing; the OpenAPI document learns from it how to send a key.
_bearer = HTTPBearer(auto_error=False, scheme_name="API key")


class Access:
    """The keys of the settings, and the routes that they open.

    Without a file of keys all routes are open, but for those in `ALWAYS_GUARDED`.

    Attributes:
        open_here: whether admin routes are open to this machine, see `_is_open_here`.
    """

    def __init__(self, settings: Settings) -> None:
        """Reads the keys.

        Raises:
            ApiKeysError: the file of keys cannot be used, or has the admin key as well.
            ExtraMissingError: a key has a rate limit, and the extra for it is not installed.
        """
        self._closed = settings.api_keys is not None
        self.open_here = _is_open_here(settings)
        keys = read_api_keys(settings.api_keys) if settings.api_keys is not None else []
        secret = settings.admin_key.get_secret_value() if settings.admin_key is not None else ""
        if secret:
            name = "RTT2VEC_ADMIN_KEY"
            keys.append(ApiKey(name=name, sha256=_digest(secret), scopes=ALWAYS_GUARDED))
        self._limits = RateLimits(keys)
        self._keys = {key.sha256: key for key in keys}
        if len(self._keys) < len(keys):
            raise ApiKeysError("RTT2VEC_ADMIN_KEY: expected another key than those of the file.")

    def guard(self, wanted: ApiScope) -> Guard | None:
        """Return a function that refuses requests without a key of this scope; None if all pass."""
        if not self._closed and wanted not in ALWAYS_GUARDED:
            return None
        known = self._keys.values()

        def check(scope: Scope) -> None:
            if self._is_open_to(scope, wanted):
                return
            if wanted in ALWAYS_GUARDED and not any(wanted in each.scopes for each in known):
                raise ProblemError(403, f"This route is off: no key has the scope {wanted}.")
            key = self._find(_authorization(scope))
            if key is None:
                raise unauthorized()
            scope.setdefault("noted", {})["api_key"] = key.name  # for the log
            if wanted not in key.scopes:
                raise ProblemError(403, f"The key {key.name} does not have the scope {wanted}.")
            if not key.opens(wanted, _origin(scope)):
                raise ProblemError(403, f"The key {key.name} is for pages of its origins alone.")
            self._limits.count(key)

        return check

    def forecast(self, wanted: ApiScope) -> Callable[[bytes], Verdict] | None:
        """Return a function that tells from an Authorization header what `guard` will do.

        It counts nothing, and takes each key to come from its origins. None if all requests pass.
        """
        if not self._closed and wanted not in ALWAYS_GUARDED:
            return None

        def verdict(authorization: bytes) -> Verdict:
            key = self._find(authorization)
            if key is None:
                return "unknown"
            passes = wanted in key.scopes and self._limits.has_left(key)
            return "passes" if passes else "refused"

        return verdict

    def count(self, scope: Scope, requests: int) -> None:
        """Count further requests that one request holds, beside the one that the guard counts.

        Raises:
            ProblemError: 429, the key may not send so many.
        """
        key = self._find(_authorization(scope)) if self._closed else None
        if key is not None and requests:
            self._limits.count(key, requests)

    def has_key(self, scope: Scope, wanted: ApiScope) -> bool:
        """Return whether a request comes with a key of this scope."""
        if self._is_open_to(scope, wanted):
            return True
        key = self._find(_authorization(scope))
        return key is not None and key.opens(wanted, _origin(scope))

    @property
    def origins(self) -> frozenset[str]:
        """The origins of pages that may use one of the keys."""
        return frozenset().union(*(key.origins or () for key in self._keys.values()))

    def _is_open_to(self, scope: Scope, wanted: ApiScope) -> bool:
        """Return whether a route of a guarded scope is open to a request without a key."""
        return self.open_here and wanted == "admin" and _is_of_this_machine(scope)

    def dependencies(self, wanted: ApiScope) -> list[params.Depends]:
        """Return the guard as dependencies of a route or of a router."""
        guard = self.guard(wanted)
        if guard is None:
            return []

        async def check(request: Request) -> None:
            guard(request.scope)

        return [Depends(_bearer), Depends(check)]

    def _find(self, authorization: bytes) -> ApiKey | None:
        """Return the key that was sent.

        The time to look up its hash tells nothing about the keys: nobody can choose a hash.
        """
        scheme, _, sent = authorization.partition(b" ")
        sent = sent.strip()
        if scheme.lower() != b"bearer" or len(sent) < SECRET_CHARS:
            return None
        return self._keys.get(_digest(sent))


def unauthorized() -> ProblemError:
    """Return the problem that refuses a request without a valid key."""
    detail = "Send an API key as Authorization: Bearer …"
    return ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _authorization(scope: Scope) -> bytes:
    """Return the first Authorization header; empty if there is none."""
    return next((value for name, value in scope["headers"] if name == b"authorization"), b"")


def _origin(scope: Scope) -> str | None:
    """Return the origin of the page that sends a request; None outside of a page."""
    return next(
        (value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), None
    )


def _is_open_here(settings: Settings) -> bool:
    """Whether people at this machine may use the console without a key.

    So it is while somebody tries the service: the storefront is on, there are no keys at all, and
    no other machine can connect.
    """
    has_keys = settings.api_keys is not None or settings.admin_key is not None
    return settings.storefront == "on" and not has_keys and settings.host in _LOOPBACK


def _is_of_this_machine(scope: Scope) -> bool:
    """Whether a request comes from this machine, and from no page but the service's own.

    A page of another site can send requests to this machine from a browser that runs on it: they
    have its origin, or the name by which it made the browser find this machine. What comes through
    a proxy is from anywhere.
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    host, origin = headers.get(b"host", ""), headers.get(b"origin")
    client = scope.get("client")
    return (
        client is not None
        and client[0] in _LOOPBACK
        and host.rpartition(":")[0].strip("[]") in _LOOPBACK
        and origin in (None, f"http://{host}")
        and headers.get(b"sec-fetch-site", "none") in ("none", "same-origin")
        and headers.keys().isdisjoint(_OF_PROXIES)
    )


def _digest(secret: str | bytes) -> str:
    return sha256(secret.encode() if isinstance(secret, str) else secret).hexdigest()
