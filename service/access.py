"""Access: who may use the routes that are not for everybody."""

from hashlib import sha256
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from service.problems import ProblemError

__all__ = ["AdminAccess"]

_bearer = HTTPBearer(auto_error=False, scheme_name="admin key")


class AdminAccess:
    """A dependency for routes: lets through who sends the admin key, `Authorization: Bearer …`.

    Without a key in the settings nobody is let through.
    """

    def __init__(self, key: SecretStr | None) -> None:
        secret = key.get_secret_value() if key is not None else ""
        self._digest = _digest(secret) if secret else None

    def __call__(
        self, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> None:
        """Check the key that was sent.

        Raises:
            ProblemError: 403 where no key is set, 401 for a wrong one or none.
        """
        if self._digest is None:
            raise ProblemError(403, "Admin routes are off: the service has no admin key.")
        # Digests of equal length, so that the time taken tells nothing of the key.
        if sent is None or not compare_digest(self._digest, _digest(sent.credentials)):
            detail = "Send the admin key as Authorization: Bearer …"
            raise ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
