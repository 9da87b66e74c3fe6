"""A request and its candidates, before and after they are scored."""

from typing import TYPE_CHECKING, NamedTuple

from service.profiles.profile import Profile
from service.recommending.aggregate import Candidates
from service.recommending.request import RecommendRequest
from service.settings import RecommendOptions
from service.support.arrays.array_types import Float32, Int32, Positions

if TYPE_CHECKING:
    from service.business_rules.planning.plan import Plan


class Shortlist(NamedTuple):
    """A request and its candidates, before they are scored.

    Attributes:
        request: as it was made.
        options: how it is answered.
        plan: the business rules in force, if there are any.
        profile: the user, if known.
        anchors: (a,) int32, the basket-anchor set.
        known: (m,) int32, the basket's items.
        unknown_items: basket items that are not in the catalogue.
        unknown_categories: categories to exclude or include that the catalogue does not have.
        items: (n,) int32, the candidates, ascending.
        filled: number of candidates that only the popularity fill brought.
    """

    request: RecommendRequest
    options: RecommendOptions
    plan: "Plan | None"
    profile: Profile | None
    anchors: Int32
    known: Int32
    unknown_items: list[str]
    unknown_categories: list[str]
    items: Int32
    filled: int


class Scored(NamedTuple):
    """The candidates of a request with their scores.

    Attributes:
        candidates: with the parts of their blended score.
        features: (n, len(FEATURES)) float32; None without a ranker, or without a basket.
        scores: (n,) float32.
        order: (n,) their places, best first.
    """

    candidates: Candidates
    features: Float32 | None
    scores: Float32
    order: Positions
