"""All that answers from one bundle."""

from typing import TYPE_CHECKING, NamedTuple

from service.bundle.bundle import Bundle
from service.bundle.item_search import ItemSearch
from service.business_rules.files import RuleFiles
from service.profiles.profile import Profile, ProfileSource
from service.profiles.user_search import UserSearch
from service.recommending.answer import Recommendations
from service.recommending.basket_score.scorer import BasketScorer
from service.recommending.eligibility import eligible_items
from service.recommending.postprocess.substitutes import Substitutes
from service.recommending.recommender import Recommender
from service.recommending.related_items import RelatedItems
from service.recommending.request import RecommendRequest
from service.serving.deadline import Deadline
from service.support.arrays.array_types import Bool, Int32
from service.support.stopwatch import Observe

if TYPE_CHECKING:
    from service.profiles.store.stored_profiles import StoredProfiles


class Served(NamedTuple):
    """All that answers from one bundle; a request looks it up once and keeps to it.

    Attributes:
        scorer, related, substitutes: None for a bundle that lacks what they need.
        stored: where profiles come from if not from the bundle alone.
        read_first: whether a profile has to be read before the recommender is asked, which by
            itself knows those of the bundle.
    """

    bundle: Bundle
    recommender: Recommender
    deadline: Deadline
    rule_files: RuleFiles
    profiles: ProfileSource
    scorer: BasketScorer | None
    related: RelatedItems | None
    substitutes: Substitutes | None
    search: ItemSearch
    users: UserSearch
    stored: "StoredProfiles | None" = None
    read_first: bool = False

    def eligible(self, given: Int32, store_id: str | None) -> Bool:
        """Return which items may be in an answer to given ones, (n_items,): see `eligible_items`.

        For answers without the recommender, which asks by itself.
        """
        rulebook = self.rule_files.rulebook
        allowed = None if rulebook is None else rulebook.plan(store_id).allowed
        return eligible_items(self.bundle.catalogue, given, allowed=allowed)

    async def profile(self, user_id: str) -> Profile | None:
        """Return a user's profile; other requests go on while it is waited for."""
        if self.stored is None:
            return self.profiles.get(user_id)
        return await self.stored.in_time(self.profiles, user_id)

    def recommend(
        self,
        request: RecommendRequest,
        *,
        profile: Profile | None = None,
        left_s: float | None = None,
        observe: Observe | None = None,
    ) -> Recommendations:
        """Recommend by the business rules in force, within a time if one is given (in seconds)."""
        rulebook = self.rule_files.rulebook
        if left_s is None:
            return self.recommender.recommend(
                request, profile=profile, rulebook=rulebook, observe=observe
            )
        return self.deadline.recommend(
            left_s, request, profile=profile, rulebook=rulebook, observe=observe
        )
