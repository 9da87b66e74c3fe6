"""Mini-batches of baskets: what is hidden, who is a stranger, and what the softmax runs over.

The rows of a mini-batch stand in one table: first those that a basket is completed from, the
choices, then those of given items that are not among them. A place is a row of that table.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from index_builder.config import TrainConfig
from index_builder.embeddings.checkpoints import State
from index_builder.embeddings.embeddings import TrainingError
from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Bool, Float32, Float64, Int32, Int64
from service.support.arrays.offsets import offsets

# Few baskets make smaller mini-batches, and very few are taken several times in an epoch.
_WANTED_STEPS = 400  # in a pass over the baskets
_FEWEST_STEPS = 200  # in an epoch
_FEWEST_BATCH_BASKETS = 8
_STATE_BYTES = 1024  # of its JSON, so that every state has the same form
_SAMPLE_POWER = 0.75  # of an item's count in its probability to be drawn


class MiniBatch(NamedTuple):
    """A mini-batch of b baskets that hold n items in all, m of them given.

    Attributes:
        baskets: (b,) int64 indices.
        indptr: (b + 1,) int64 offsets of their items.
        places: (n,) int32 place of each item.
        hidden: (n,) bool, whether it has to be found; at least one of each basket, and not all.
        given_basket: (m,) int64 row in `baskets` of each given item.
        given_place: (m,) int64 place of each given item.
        given_weight: (m,) float32, one over the root of the number of given items of its basket.
        known: (b,) bool, whether the user's vector stands in the logits.
        beside_habit: (b,) bool, whether the user's habit does.
        rows: (places,) int64 item of each place.
        choices: number of the first places that are choices.
        place_of: (n_items,) int32 place of each item, -1 for one that has none.
    """

    baskets: Int64
    indptr: Int64
    places: Int32
    hidden: Bool
    given_basket: Int64
    given_place: Int64
    given_weight: Float32
    known: Bool
    beside_habit: Bool
    rows: Int64
    choices: int
    place_of: Int32


class Sampler:
    """Draws mini-batches of the baskets of two items or more.

    Attributes:
        steps: mini-batches of an epoch.
        correction: (n_items,) float32, -log of the probability that an item is a choice.
    """

    def __init__(
        self, baskets: EncodedBaskets, n_items: int, n_users: int, config: TrainConfig
    ) -> None:
        """Of these baskets; users from `n_users` on are guests.

        Raises:
            TrainingError: no basket holds two items.
        """
        self._baskets = baskets
        self._several = np.flatnonzero(baskets.basket_sizes >= 2)
        if not len(self._several):
            raise TrainingError("expected baskets of two items or more, found none")
        self._no_guest = baskets.basket_user < n_users
        self._config = config.completion
        self._random = np.random.default_rng(config.seed)
        self._before = self._random.bit_generator.state  # before the order was drawn
        self._order = np.empty(0, np.int64)  # of the baskets of this pass
        self._next = 0  # place in the order
        self._size = _batch_baskets(len(self._several), self._config.batch_baskets)
        steps_per_pass = -(-len(self._several) // self._size)
        self._passes = -(-_FEWEST_STEPS // steps_per_pass)
        self.steps = self._passes * steps_per_pass
        in_baskets = np.bincount(baskets.basket_items, minlength=n_items)
        self._drawn = _probabilities(in_baskets, self._config.sampled_items)
        hidden = (self._config.least_hidden + self._config.most_hidden) / 2
        sought = 1 - (1 - np.minimum(1, hidden * in_baskets / baskets.n_baskets)) ** self._size
        there = 1 - (1 - self._drawn) * (1 - sought)
        # An item that no basket holds can only be drawn.
        self.correction = -np.log(np.maximum(there, 1e-9)).astype(np.float32)

    def epoch(self) -> Iterator[MiniBatch]:
        """The next epoch: every basket as often as there are passes, in random order."""
        return islice(self.batches(), self.steps)

    def batches(self) -> Iterator[MiniBatch]:
        """All mini-batches from where it is, without end."""
        while True:
            if self._next >= len(self._order):
                self._next, self._before = 0, self._random.bit_generator.state
                self._order = self._random.permutation(self._several)
            some = self._order[self._next : self._next + self._size]
            self._next += self._size
            yield self._draw(some)

    def state(self) -> State:
        """Where it is, for `resume`."""
        where = self._next, self._before, self._random.bit_generator.state
        written = json.dumps(where).ljust(_STATE_BYTES).encode()
        return {"sampler": np.frombuffer(written, np.uint8)}

    def resume(self, state: State) -> None:
        """Go on from where another sampler of the same baskets was."""
        self._next, self._before, now = json.loads(state["sampler"].tobytes())
        self._random.bit_generator.state = self._before
        self._order = self._random.permutation(self._several)
        self._random.bit_generator.state = now

    def _draw(self, baskets: Int64) -> MiniBatch:
        config, random = self._config, self._random
        starts = self._baskets.basket_indptr[baskets]
        sizes = self._baskets.basket_indptr[baskets + 1] - starts
        indptr = offsets(sizes)
        lines = np.repeat(starts - indptr[:-1], sizes) + np.arange(indptr[-1])
        items = self._baskets.basket_items[lines]
        share = random.uniform(config.least_hidden, config.most_hidden, len(baskets))
        n_hidden = np.clip(np.rint(share * sizes).astype(np.int64), 1, sizes - 1)
        hidden = _random_ranks(random, sizes, indptr) < np.repeat(n_hidden, sizes)
        chosen = random.random(len(self._drawn)) < self._drawn
        chosen[items[hidden]] = True
        choices = np.flatnonzero(chosen)
        rows = np.concatenate([choices, np.setdiff1d(items[~hidden], choices)])
        place_of = np.full(len(self._drawn), -1, np.int32)
        place_of[rows] = np.arange(len(rows))
        places = place_of[items]
        given_basket = np.repeat(np.arange(len(baskets)), sizes - n_hidden)
        stranger = random.random(len(baskets)) < config.stranger_share
        return MiniBatch(
            baskets=baskets,
            indptr=indptr,
            places=places,
            hidden=hidden,
            given_basket=given_basket,
            given_place=places[~hidden].astype(np.int64),
            given_weight=(1 / np.sqrt(sizes - n_hidden)).astype(np.float32)[given_basket],
            known=self._no_guest[baskets] & ~stranger,
            beside_habit=random.random(len(baskets)) < config.habit_share,
            rows=rows,
            choices=len(choices),
            place_of=place_of,
        )


def _batch_baskets(n_baskets: int, most: int) -> int:
    """Baskets of a mini-batch: fewer where there are few in all, so that there are enough steps."""
    return min(most, max(_FEWEST_BATCH_BASKETS, n_baskets // _WANTED_STEPS))


def _probabilities(counts: Int64, wanted: int) -> Float64:
    """The probability of each item to be drawn, so that `wanted` are expected; 1 for few items."""
    if len(counts) <= wanted:
        return np.ones(len(counts))
    weight = np.maximum(counts, 0.5) ** _SAMPLE_POWER
    low, high = 0.0, float(1 / weight.min())
    for _ in range(60):  # bisection
        middle = (low + high) / 2
        if np.minimum(1, middle * weight).sum() < wanted:
            low = middle
        else:
            high = middle
    drawn: Float64 = np.minimum(1, high * weight)
    return drawn


def _random_ranks(random: np.random.Generator, sizes: Int64, indptr: Int64) -> Int64:
    """The rank of each item in a random order of its basket, from 0 on."""
    order = np.lexsort((random.random(indptr[-1]), np.repeat(np.arange(len(sizes)), sizes)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(indptr[:-1], sizes)
    return rank
