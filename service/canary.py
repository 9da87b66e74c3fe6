"""The canary: what a new bundle answers to requests that the old one has answered."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import fmean, median
from time import thread_time
from typing import NamedTuple

from service.asking import ask
from service.recommender import Recommendations, Recommender
from service.schemas import RecommendRequest
from service.settings import Settings

__all__ = ["Canary", "CanaryError", "replay"]

_logger = logging.getLogger(__name__)


class CanaryError(Exception):
    """A bundle is whole, but does not answer as well as the one before it."""


class Canary(NamedTuple):
    """What came of it.

    Attributes:
        failures: requests that failed, or brought fewer recommendations than before.
        overlap: share of the old recommendations that are among the new ones, mean over requests.
        slowdown: median processor time of an answer, over that of the old bundle's.
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


def replay(requests: Sequence[RecommendRequest], old: Recommender, new: Recommender) -> Canary:
    """Put the requests, at least one, to both.

    Processor time is that of this thread: what others do meanwhile is not counted.
    """
    failures, overlaps, old_s, new_s = 0, [], [], []
    with ThreadPoolExecutor(1) as aside:  # whatever fails there, for any reason, can be counted
        for request in requests:
            before, old_time = aside.submit(_timed, old, request).result()
            trial = aside.submit(_timed, new, request)
            if (error := trial.exception()) is not None:
                _logger.error("the new bundle failed in the canary", exc_info=error)
                failures += 1
                continue
            after, new_time = trial.result()
            wanted, found = ({each.item_id for each in answer.items} for answer in (before, after))
            failures += len(found) < len(wanted)
            overlaps.append(len(wanted & found) / max(len(wanted), 1))
            old_s.append(old_time)
            new_s.append(new_time)
    if not overlaps:
        return Canary(failures, 0.0, float("inf"))
    return Canary(failures, fmean(overlaps), median(new_s) / median(old_s))


def _timed(recommender: Recommender, request: RecommendRequest) -> tuple[Recommendations, float]:
    began = thread_time()
    answer = ask(recommender, request)
    return answer, thread_time() - began
