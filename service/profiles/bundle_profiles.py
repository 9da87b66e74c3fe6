"""The profiles of a bundle."""

from service.bundle.bundle import Bundle
from service.profiles.profile import Profile, Since, all_count, begins_before
from service.support.arrays.array_types import Int32, Int64


class BundleProfiles:
    """The profiles of a bundle, as views of its mapped arrays.

    A user who was forgotten has none, unless all purchases in it count again.
    """

    def __init__(self, bundle: Bundle, since: Since = all_count) -> None:
        self._bundle = bundle
        self._since = since
        self._past_indptr = bundle.past_indptr
        if bundle.past_indptr is not None:
            self._past_begun = bundle.required("past_begun", "a profile")
            self._past_item_indptr = bundle.required("past_item_indptr", "a profile")
            self._past_items = bundle.required("past_item", "a profile")

    def get(self, user_id: str) -> Profile | None:
        """Returns the user's profile; None for a user without any purchase in the catalogue."""
        bundle = self._bundle
        user = bundle.user_ids.row(user_id)
        if user is None:
            return None
        own = slice(int(bundle.history_indptr[user]), int(bundle.history_indptr[user + 1]))
        if own.start == own.stop:
            return None
        profile = Profile(
            bundle.user_h[user],
            bundle.history_item[own],
            bundle.history_count[own],
            bundle.history_recency[own],
            bundle.history_last[own],
            *self._past(user),
        )
        moment = self._since(user_id)
        return None if moment is not None and begins_before(profile, moment) else profile

    def _past(self, user: int) -> tuple[()] | tuple[Int64, Int64, Int32]:
        if self._past_indptr is None:
            return ()
        start, stop = self._past_indptr[user : user + 2]
        indptr = self._past_item_indptr[start : stop + 1]
        return self._past_begun[start:stop], indptr, self._past_items
