"""Hurry: an answer that has to come soon rests on less work.

What is dropped, and in which order, is a list of settings: each step is a recommender of its own,
with a little less to do than the one before it. They share the bundle and the business rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter, thread_time
from typing import Any

from service.bundle.bundle import Bundle
from service.http.schemas import RecommendRequest
from service.profiles.profile import Profile
from service.recommending.asking import ask
from service.recommending.recommender import Recommendations, Recommender
from service.serving.example_requests import example_requests
from service.settings import Settings

__all__ = ["Hurry", "Step"]

_DROPPED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("diversity", {"mmr_lambda": 1.0}),
    ("ranker", {"ranker": False}),
    ("anchors", {"anchor_limit": 3, "anchor_fraction": 0.01}),  # all but a sample of three
    ("search", {"search": "none"}),  # the shopper's history alone is left, and best sellers
)
_EXAMPLES = 5
_MARGIN = 2.0  # one request in some hundred takes longer than twice the usual time
_LEARNED = 0.1  # the weight of the latest answer in what is usual
_OUTLIER = 4  # times the usual is the most that an answer counts as
_FADED = 0.999  # what is left of the usual time of a step each time it is passed over


@dataclass
class Step:
    """A recommender, what it is spared beside the one before it, and the time it usually takes."""

    dropped: str
    recommender: Recommender
    usual_s: float


class Hurry:
    """Recommends within a time.

    Attributes:
        steps: from all the work to the least.
        unobserved: the like of the recommender that does all the work, of whose work nobody is
            told: what is tried on it is no shopper's, and not for the metrics.
    """

    def __init__(
        self,
        bundle: Bundle,
        settings: Settings,
        recommender: Recommender,
        observe: Callable[[str], None],
    ) -> None:
        """Prepares the steps and takes their time.

        Args:
            bundle: that of `recommender`.
            settings: that of `recommender`.
            recommender: it does all the work.
            observe: is told what was dropped last, for each answer that is spared something.
        """
        self._observe = observe
        requests = [RecommendRequest(**each) for each in example_requests(bundle, _EXAMPLES)]
        ranks = settings.ranker and bundle.neighbour_indptr is not None
        less = settings.model_copy(update={"ranker": ranks})
        self.unobserved = Recommender(bundle, less, beside=recommender)
        self.steps = [Step("", recommender, _usual_s(self.unobserved, requests))]
        for dropped, spared in _DROPPED:
            if all(getattr(less, name) == value for name, value in spared.items()):
                continue  # there is no such work to begin with
            less = less.model_copy(update=spared)
            reduced = Recommender(bundle, less, beside=recommender)
            self.steps.append(Step(dropped, reduced, _usual_s(reduced, requests)))

    def recommend(
        self, left_s: float, asked: RecommendRequest, profile: Profile | None = None
    ) -> Recommendations:
        """Return what is recommended by the first step that fits into the time, or by the last."""
        step = self._fitting(left_s)
        began = perf_counter()
        answer = ask(step.recommender, asked, profile)
        took_s = min(perf_counter() - began, _OUTLIER * step.usual_s)
        step.usual_s += _LEARNED * (took_s - step.usual_s)
        if not step.dropped:
            return answer
        self._observe(step.dropped)
        return answer._replace(degraded=True)

    def _fitting(self, left_s: float) -> Step:
        for step in self.steps[:-1]:
            if _MARGIN * step.usual_s <= left_s:
                return step
            if left_s > 0:  # Nothing fits into less, which says nothing of the step.
                step.usual_s *= _FADED  # Else a few slow answers would rule it out for good.
        return self.steps[-1]


def _usual_s(recommender: Recommender, requests: list[RecommendRequest]) -> float:
    """The median time of an answer, once what it needs is compiled, or read from its cache."""
    ask(recommender, requests[0].model_copy(update={"explain": True}))
    times = []
    for request in requests:
        began = thread_time()
        ask(recommender, request)
        times.append(thread_time() - began)
    return median(times)
