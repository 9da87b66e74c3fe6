"""The canary: what a new bundle answers to requests that the old one has answered."""

import logging
from collections.abc import Callable, Sequence
from statistics import fmean, median
from time import thread_time
from typing import NamedTuple

from service.recommending.answer import Recommendations
from service.recommending.request import RecommendRequest
from service.settings import Settings

_logger = logging.getLogger(__name__)

Recommend = Callable[[RecommendRequest], Recommendations]

# What Python, NumPy, compiled loops and the libraries of the index raise because of bad numbers. A
# bundle that raises anything else is refused at once, by whoever loads it.
_FAILURES = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


class CanaryError(Exception):
    """A bundle is whole, but does not answer as well as the one before it."""


class Canary(NamedTuple):
    """What came of it.

    Attributes:
        failures: requests that failed, or brought fewer recommendations than before.
        overlap: share of the old recommendations that are among the new ones, mean over the
            requests for which the old bundle recommends something; 1 without such a request.
        slowdown: median processor time of an answer to these, over that of the old bundle's.
    """

    failures: int
    overlap: float
    slowdown: float

    def objection(self, settings: Settings) -> str | None:
        """Why the new bundle may not take over; None if it may."""
        limits = (
            (self.failures <= settings.canary_failure_limit, f"{self.failures} requests failed"),
            (self.overlap >= settings.canary_min_overlap, f"the overlap is {self.overlap:.2f}"),
            (
                self.slowdown <= settings.canary_slowdown_limit,
                f"an answer takes {self.slowdown:.1f} times as long",
            ),
        )
        found = [reason for kept, reason in limits if not kept]
        return f"In the canary, {' and '.join(found)}." if found else None


def replay(requests: Sequence[RecommendRequest], old: Recommend, new: Recommend) -> Canary:
    """Put the requests, at least one, to both.

    Processor time is that of this thread: what others do meanwhile is not counted.
    """
    failures, overlaps, old_s, new_s = 0, [], [], []
    for request in requests:
        before, after = _answer("old", old, request), _answer("new", new, request)
        if after is None:
            failures += 1
        # An old answer that failed or was empty says nothing about the new bundle.
        if after is None or before is None or not before.item_ids:
            continue
        wanted, found = before.item_ids, after.item_ids
        failures += len(found) < len(wanted)
        overlaps.append(len(wanted & found) / len(wanted))
        old_s.append(before.seconds)
        new_s.append(after.seconds)
    if failures == len(requests) and not overlaps:
        return Canary(failures, 0.0, float("inf"))
    if not overlaps:
        return Canary(failures, 1.0, 1.0)
    return Canary(failures, fmean(overlaps), median(new_s) / median(old_s))


class _Answer(NamedTuple):
    item_ids: set[str]
    seconds: float


def _answer(bundle: str, recommend: Recommend, request: RecommendRequest) -> _Answer | None:
    began = thread_time()
    try:
        items = recommend(request).items
    except _FAILURES:
        _logger.exception("the %s bundle failed in the canary", bundle)
        return None
    return _Answer({each.item_id for each in items}, thread_time() - began)
