"""What answers requests, or the problem to answer if there is none."""

from typing import TypeVar

from service.http.problems import ProblemError
from service.serving.served import Served
from service.serving.serving import Serving

_Part = TypeVar("_Part")


def require_served(serving: Serving) -> Served:
    """Return what answers requests.

    Raises:
        ProblemError: 503, no bundle is loaded (yet).
    """
    if serving.served is None:
        raise ProblemError(503, "Not ready: no bundle is loaded.", headers={"Retry-After": "1"})
    return serving.served


def require_part(part: _Part | None, name: str, built_from: str = "") -> _Part:
    """Return a part of what answers, which older bundles may lack.

    Raises:
        ProblemError: 404, this bundle lacks it.
    """
    if part is None:
        remedy = f"build it with rtt2vec-build of this version{built_from}"
        raise ProblemError(404, f"This bundle has no {name}; {remedy}.")
    return part
