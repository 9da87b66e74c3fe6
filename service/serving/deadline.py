"""The deadline: an answer that has to come soon rests on less work.

What is left out, and in which order, is a list of options, each with a little less effort than the
one before it. All of them are asked of the same recommender.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

from service.profiles.profile import Profile
from service.recommending.answer import Recommendations
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.settings import RecommendOptions
from service.support.stopwatch import Observe

if TYPE_CHECKING:
    from service.business_rules.rulebook import Rulebook

_REDUCTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("diversity", {"mmr_lambda": 1.0}),
    ("ranker", {"ranker": False}),
    ("anchors", {"anchor_limit": 3, "anchor_fraction": 0.01}),  # all but a sample of three
    ("search", {"search": "none"}),  # leaves the user's history and best sellers
)
_MARGIN = 2.0  # one request in some hundred takes longer than twice the usual time
_LEARNING_RATE = 0.1  # the weight of the latest answer in the usual time
_OUTLIER = 4  # times the usual is the most that an answer counts as
_FADE = 0.999  # by which a usual time shrinks each time its effort is passed over


@dataclass
class Effort:
    """Options, what was left out last to get them, and the time an answer usually takes."""

    dropped: str
    options: RecommendOptions
    usual_s: float


class Deadline:
    """Recommends within a time.

    Attributes:
        efforts: from all the work to the least.
    """

    def __init__(
        self,
        recommender: Recommender,
        examples: Sequence[RecommendRequest],
        observe: Callable[[str], None],
    ) -> None:
        """Prepares the efforts and takes their time.

        Args:
            recommender: whose options are those of the full effort.
            examples: requests to take the time of, at least one.
            observe: is told what was left out last, for each answer with less than the full effort.
        """
        self._recommender = recommender
        self._observe = observe
        self.efforts = [
            Effort(dropped, options, _usual_s(recommender, options, examples))
            for dropped, options in _reduced(recommender.options)
        ]

    def recommend(
        self,
        left_s: float,
        request: RecommendRequest,
        *,
        profile: Profile | None = None,
        rulebook: "Rulebook | None" = None,
        observe: Observe | None = None,
    ) -> Recommendations:
        """Returns what the first effort that fits into `left_s` seconds recommends, or the last.

        The rest is as in `Recommender.recommend`. Stages are observed only where all the work is
        done: reduced ones would distort their durations.
        """
        effort = self._fitting(left_s)
        began = perf_counter()
        answer = self._recommender.recommend(
            request,
            profile=profile,
            rulebook=rulebook,
            options=effort.options,
            observe=None if effort.dropped else observe,
        )
        took_s = min(perf_counter() - began, _OUTLIER * effort.usual_s)
        effort.usual_s += _LEARNING_RATE * (took_s - effort.usual_s)
        if not effort.dropped:
            return answer
        self._observe(effort.dropped)
        return answer._replace(degraded=True)

    def _fitting(self, left_s: float) -> Effort:
        for effort in self.efforts[:-1]:
            if _MARGIN * effort.usual_s <= left_s:
                return effort
            if left_s > 0:  # Nothing fits into less, which says nothing about the effort.
                effort.usual_s *= _FADE  # Else a few slow answers would rule it out for good.
        return self.efforts[-1]


def _reduced(options: RecommendOptions) -> list[tuple[str, RecommendOptions]]:
    """The options, then with one reduction after the other; those that change nothing left out."""
    efforts = [("", options)]
    for dropped, reduction in _REDUCTIONS:
        less = efforts[-1][1].model_copy(update=reduction)
        if less != efforts[-1][1]:
            efforts.append((dropped, less))
    return efforts


def _usual_s(
    recommender: Recommender, options: RecommendOptions, examples: Sequence[RecommendRequest]
) -> float:
    """The median time of an answer, once what it needs is compiled, or read from its cache."""
    recommender.recommend(examples[0].model_copy(update={"explain": True}), options=options)
    times = []
    for request in examples:
        began = thread_time()
        recommender.recommend(request, options=options)
        times.append(thread_time() - began)
    return median(times)
