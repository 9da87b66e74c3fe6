"""Tuning of the opponents: the last days before the cut choose the settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

import numpy as np

from index_builder.measuring.scorer import Scorer, top
from index_builder.transactions.encoded.encoding import EncodedBaskets, EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut, held_out
from service.support.arrays.offsets import offsets
from service.support.durations import DAY_S

T = TypeVar("T")

_DAYS = 30
_SHARE = 0.2  # of a shorter time
_MOST_BASKETS = 2000
_FEWEST_BASKETS = 30


@dataclass(frozen=True)
class Slice:
    """The last training baskets, held out, and those before.

    Attributes:
        past: the training baskets before the slice, with the same catalogue and users.
        baskets: held-out baskets of the slice, of users with baskets before it.
    """

    past: EncodedTransactions
    baskets: list[HeldOut]

    def best(self, values: Sequence[T], fit: Callable[[T], Scorer]) -> T:
        """The value whose scorer, fitted on the past, has the highest Recall@20.

        Of equally good values, the first is taken; also if there are too few baskets to measure.
        """
        if len(self.baskets) < _FEWEST_BASKETS:
            return values[0]
        recalls = [self._recall(fit(value)) for value in values]
        return values[int(np.argmax(recalls))]

    def one_by_one(
        self, settings: Mapping[str, Sequence[float]], fit: Callable[..., Scorer]
    ) -> dict[str, float]:
        """The best value of each setting in turn, where a grid of them all would be too large.

        Those that were not tried yet stay at their first value. Of equally good values, the first
        is taken; also if there are too few baskets to measure.

        Args:
            settings: the values of each, by name; those that matter most come first.
            fit: takes the settings by their names.
        """
        chosen = {name: values[0] for name, values in settings.items()}
        if len(self.baskets) < _FEWEST_BASKETS:
            return chosen

        @cache
        def recall(*values: float) -> float:
            return self._recall(fit(**dict(zip(settings, values, strict=True))))

        for name, values in settings.items():
            tried = [chosen | {name: value} for value in values]
            chosen = max(tried, key=lambda each: recall(*each.values()))
        return chosen

    def most_popular(self, n_items: int) -> "Slice":
        """The slice of a catalogue of only the most popular items."""
        given = [basket.given[basket.given < n_items] for basket in self.baskets]
        targets = [basket.targets[basket.targets < n_items] for basket in self.baskets]
        kept = zip(self.baskets, given, targets, strict=True)
        return Slice(
            _most_popular(self.past, n_items),
            [HeldOut(b.user, shown, found) for b, shown, found in kept if len(found)],
        )

    def _recall(self, scorer: Scorer) -> float:
        rank = top(scorer)
        return float(np.mean([np.isin(b.targets, rank(b)).mean() for b in self.baskets]))


def last_days(encoded: EncodedTransactions, as_of: datetime, seed: int) -> Slice:
    """The last 30 days before `as_of`, or the last fifth of a shorter time.

    Args:
        encoded: the training baskets; those of `as_of` or later are left out.
        as_of: the cut, naive UTC.
        seed: of the split of each basket, and of the sample of at most 2000 baskets.
    """
    begun = encoded.basket_begun
    end = as_of.replace(tzinfo=UTC).timestamp()
    since = end - min(_DAYS * DAY_S, _SHARE * (end - float(begun[0])))
    first, last = np.searchsorted(begun, [since, end]).tolist()
    past = _between(encoded, 0, first)
    count = np.bincount(past.basket_items, minlength=encoded.n_items).astype(np.int32)
    known = set(past.basket_user.tolist()) - {encoded.n_users}  # guests' baskets have that user
    late = held_out(_between(encoded, first, last), seed)
    late = [basket for basket in late if basket.user in known]
    order = np.random.default_rng(seed).permutation(len(late))[:_MOST_BASKETS]
    return Slice(
        EncodedTransactions(
            **vars(past), items=encoded.items, item_count=count, user_ids=encoded.user_ids
        ),
        [late[basket] for basket in order.tolist()],
    )


def _between(encoded: EncodedTransactions, first: int, last: int) -> EncodedBaskets:
    """Baskets first to last - 1."""
    indptr = encoded.basket_indptr[first : last + 1]
    return EncodedBaskets(
        basket_indptr=indptr - indptr[0],
        basket_items=encoded.basket_items[indptr[0] : indptr[-1]],
        basket_user=encoded.basket_user[first:last],
        basket_begun=encoded.basket_begun[first:last],
        left_out={},
    )


def _most_popular(encoded: EncodedTransactions, n_items: int) -> EncodedTransactions:
    """The same baskets with the most popular items alone; some of them become empty."""
    kept = encoded.basket_items < n_items
    lines = offsets(kept)
    return replace(
        encoded,
        basket_indptr=lines[encoded.basket_indptr],
        basket_items=encoded.basket_items[kept],
        items=encoded.items.head(n_items),
        item_count=encoded.item_count[:n_items],
    )
