"""Readiness: what answers a request, or the reason why nothing does yet."""

from service.http.problems import ProblemError
from service.serving.served import Served
from service.serving.serving import Serving

__all__ = ["require_served"]


def require_served(serving: Serving) -> Served:
    """Return what answers.

    Raises:
        ProblemError: 503, there is none (yet).
    """
    if serving.served is None:
        raise ProblemError(503, f"Not ready. {serving.reason}", headers={"Retry-After": "1"})
    return serving.served
