"""Basket completion: user vectors and dual item vectors that find the rest of a basket.

A part of each basket is hidden and predicted from the items that are left, given, by a softmax over
the catalogue. The logit of item j is what the service scores by (Eq. 4 of the RTT2Vec paper), with
the popularity prior and the user's own habit beside it:

    Σ over given items i of (q_i·p_j + p_i·q_j) / √(number given)  +  h_u·(p_j + q_j)
    + w · log pop_j  +  c · log(1 + 30 · recency_uj)

The weights w and c are learned too. The user is left out of a share of the baskets, as if a
stranger had bought them, so that the items must explain what they can. The habit holds what the
user bought before that basket; where it stands in the logit, the vectors learn what habit does not
say.

In a large catalogue the softmax runs over a sample: the hidden items of the mini-batch, and others
drawn with a probability that grows with popularity; each is weighted by one over its probability.

Every mini-batch is split into the same pieces, whatever the number of threads; their gradients are
added in one order, and the matrix products of a piece run on one thread. So the result does not
depend on the number of threads.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from index_builder.config import TrainConfig
from index_builder.embeddings.completion_loops import (
    add_habit,
    softmax_slope,
    spread_given,
    step,
    sum_given,
)
from index_builder.embeddings.embeddings import Embeddings, Step, TrainingError, check, log_share
from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Bool, Float32, Float64, Int32, Int64
from service.support.arrays.offsets import offsets

_PIECE_BASKETS = 64  # of a mini-batch, computed at once by one thread
_PIECE_ROWS = 512  # of a table, for a step of Adam
# Few baskets make smaller mini-batches, and very few are taken several times in an epoch.
_WANTED_STEPS = 400  # in a pass over the baskets
_FEWEST_STEPS = 200  # in an epoch
_FEWEST_BATCH_BASKETS = 8
_LOOKS_PER_EPOCH = 10
_SAMPLE_POWER = 0.75  # of an item's count in its probability to be drawn
_SPREAD = 0.05  # standard deviation of the first item vectors
_FIRST_PRIOR_WEIGHT = 1.0
_FIRST_HABIT_WEIGHT = 1.0


class _Batch(NamedTuple):
    """A mini-batch of baskets; see `completion_loops` for places and choices.

    Attributes:
        baskets: (b,) int64 indices.
        indptr: (b + 1,) int64 offsets of their items.
        places: (n,) int32 place of each item.
        hidden: (n,) bool, whether it has to be found.
        factor: (b,) float32, one over the root of the number of given items.
        known: (b,) float32, 0 where the basket is a stranger's, else 1.
        beside_habit: (b,) float32, 1 where the habit stands in the logits, else 0.
        rows: (places,) int64 item of each place.
        choices: number of the first places that are choices.
    """

    baskets: Int64
    indptr: Int64
    places: Int32
    hidden: Bool
    factor: Float32
    known: Float32
    beside_habit: Float32
    rows: Int64
    choices: int


class _Slopes(NamedTuple):
    """The loss of a piece of a mini-batch, and its slopes."""

    loss: float
    by_prior: float
    by_habit: float
    of_queries: Float32
    of_choices: Float32


class _Adam:
    """A table and the moments of its gradient."""

    def __init__(self, table: Float32, decay: float) -> None:
        self.table = table
        self._decay = np.float32(decay)
        self._moments = np.zeros_like(table), np.zeros_like(table)

    def step(self, rows: Int64, gradient: Float32, steps: int, rate: float, pool: Executor) -> None:
        """Moves distinct rows against their gradient."""

        def move(start: int) -> None:
            piece = slice(start, start + _PIECE_ROWS)
            step(
                rows[piece], gradient[piece], steps, np.float32(rate), self._decay,
                self.table, *self._moments,
            )  # fmt: skip

        list(pool.map(move, range(0, len(rows), _PIECE_ROWS)))


@dataclass(frozen=True)
class _Baskets:
    """The baskets of two items or more, and what each user had bought before.

    Attributes:
        encoded: all baskets.
        several: (n,) int64, those of two items or more.
        known: (n_baskets,) bool, whether the basket is no guest's.
        user_indptr, user_basket, order_in_user: see `completion_loops.add_habit`.
    """

    encoded: EncodedBaskets
    several: Int64
    known: Bool
    user_indptr: Int64
    user_basket: Int64
    order_in_user: Int64

    @classmethod
    def of(cls, baskets: EncodedBaskets, n_users: int) -> "_Baskets":
        several = np.flatnonzero(baskets.basket_sizes >= 2)
        if not len(several):
            raise TrainingError("expected baskets of two items or more, found none")
        user, known = baskets.basket_user, baskets.basket_user < n_users
        by_user = np.argsort(user, kind="stable")
        starts = offsets(np.bincount(user, minlength=n_users))
        order = np.empty(len(user), np.int64)
        order[by_user] = np.arange(len(user)) - starts[user[by_user]]
        order[~known] = 0  # guests have nothing in common
        return cls(baskets, several, known, starts, by_user, order)

    @property
    def n_user_rows(self) -> int:
        """Rows of the user table, one for all guests if there are any."""
        return len(self.user_indptr) - 1

    def habit(self, baskets: Int64, place_of: Int32, choices: int) -> Float32:
        """log(1 + 30 · recency) of what each user had bought before, (b, choices)."""
        habit = np.zeros((len(baskets), choices), np.float32)
        encoded = self.encoded
        add_habit(
            baskets, encoded.basket_indptr, encoded.basket_items, encoded.basket_user,
            encoded.basket_begun, self.user_indptr, self.user_basket, self.order_in_user,
            place_of, habit,
        )  # fmt: skip
        return habit


class _Sampler:
    """Draws mini-batches: what is hidden, who is a stranger, and which choices there are."""

    def __init__(self, baskets: _Baskets, n_items: int, config: TrainConfig) -> None:
        self._baskets = baskets
        self._config = config.completion
        self._random = np.random.default_rng(config.seed)
        encoded = baskets.encoded
        in_baskets = np.bincount(encoded.basket_items, minlength=n_items)
        self.size = _batch_baskets(len(baskets.several), self._config.batch_baskets)
        self._drawn = _probabilities(in_baskets, self._config.sampled_items)
        hidden = (self._config.least_hidden + self._config.most_hidden) / 2
        sought = 1 - (1 - np.minimum(1, hidden * in_baskets / encoded.n_baskets)) ** self.size
        there = 1 - (1 - self._drawn) * (1 - sought)
        # An item that no basket holds can only be drawn.
        self.correction = -np.log(np.maximum(there, 1e-9)).astype(np.float32)

    @property
    def passes(self) -> int:
        """Passes over the baskets that make an epoch."""
        return -(-_FEWEST_STEPS // self.steps)

    @property
    def steps(self) -> int:
        """Mini-batches of a pass over the baskets."""
        return -(-len(self._baskets.several) // self.size)

    def epoch(self) -> Iterator[_Batch]:
        """Every basket as often as there are passes, in random order."""
        for _ in range(self.passes):
            order = self._random.permutation(self._baskets.several)
            for start in range(0, len(order), self.size):
                yield self._draw(order[start : start + self.size])

    def _draw(self, baskets: Int64) -> _Batch:
        config, random, encoded = self._config, self._random, self._baskets.encoded
        starts = encoded.basket_indptr[baskets]
        sizes = encoded.basket_indptr[baskets + 1] - starts
        indptr = offsets(sizes)
        lines = np.repeat(starts - indptr[:-1], sizes) + np.arange(indptr[-1])
        items = encoded.basket_items[lines]
        share = random.uniform(config.least_hidden, config.most_hidden, len(baskets))
        n_hidden = np.clip(np.rint(share * sizes).astype(np.int64), 1, sizes - 1)
        hidden = _first_at_random(random, sizes, indptr) < np.repeat(n_hidden, sizes)
        chosen = random.random(len(self._drawn)) < self._drawn
        chosen[items[hidden]] = True
        choices = np.flatnonzero(chosen)
        rows = np.concatenate([choices, np.setdiff1d(items[~hidden], choices)])
        places = np.full(len(self._drawn), -1, np.int32)
        places[rows] = np.arange(len(rows))
        known = self._baskets.known[baskets]
        known &= random.random(len(baskets)) >= config.stranger_share
        beside_habit = random.random(len(baskets)) < config.habit_share
        return _Batch(
            baskets=baskets,
            indptr=indptr,
            places=places[items],
            hidden=hidden,
            factor=(1 / np.sqrt(sizes - n_hidden)).astype(np.float32),
            known=known.astype(np.float32),
            beside_habit=beside_habit.astype(np.float32),
            rows=rows,
            choices=len(choices),
        )


class _Model:
    """The tables, the two weights, and one step of training."""

    def __init__(
        self,
        baskets: _Baskets,
        n_items: int,
        correction: Float32,
        config: TrainConfig,
    ) -> None:
        random, chosen = np.random.default_rng(config.seed), config.completion
        d = config.dimension
        first = random.standard_normal((n_items, 2 * d), np.float32) * np.float32(_SPREAD)
        counts = np.bincount(baskets.encoded.basket_items, minlength=n_items)
        self._baskets = baskets
        self._correction = correction
        self._prior = log_share(counts).astype(np.float32)
        self._items = _Adam(first, chosen.item_decay)
        self._users = _Adam(np.zeros((baskets.n_user_rows, d), np.float32), chosen.user_decay)
        weights = np.array([[_FIRST_PRIOR_WEIGHT], [_FIRST_HABIT_WEIGHT]], np.float32)
        self._weights = _Adam(weights, 0)
        self._steps = 0

    def embeddings(self) -> Embeddings:
        """The tables as they are now; later steps change them."""
        d = self._users.table.shape[1]
        rows = self._items.table
        return Embeddings(rows[:, :d], rows[:, d:], self._users.table)

    def step(self, batch: _Batch, rate: float, pool: Executor) -> float:
        """One step of Adam; returns the sum of the losses."""
        rows = self._items.table[batch.rows]
        place_of = np.full(len(self._items.table), -1, np.int32)
        place_of[batch.rows] = np.arange(len(batch.rows))

        def slopes(start: int) -> _Slopes:
            with np.errstate(over="ignore", invalid="ignore"):  # `check` refuses the result
                return self._slopes(batch, start, rows, place_of)

        pieces = list(pool.map(slopes, range(0, len(batch.baskets), _PIECE_BASKETS)))
        gradient = np.zeros_like(rows)
        for piece in pieces:  # in this order, whichever was ready first
            gradient[: batch.choices] += piece.of_choices
        of_queries = np.concatenate([piece.of_queries for piece in pieces])
        spread_given(batch.places, batch.hidden, batch.indptr, batch.factor, of_queries, gradient)
        users, of_users = self._of_users(batch, of_queries)
        size = np.float32(len(batch.baskets))
        of_weights = np.array(
            [[sum(piece.by_prior for piece in pieces)], [sum(piece.by_habit for piece in pieces)]]
        )
        self._steps += 1
        self._items.step(batch.rows, gradient / size, self._steps, rate, pool)
        self._users.step(users, of_users / size, self._steps, rate, pool)
        both = np.arange(2)
        self._weights.step(both, (of_weights / size).astype(np.float32), self._steps, rate, pool)
        return sum(piece.loss for piece in pieces)

    def _slopes(self, batch: _Batch, start: int, rows: Float32, place_of: Int32) -> _Slopes:
        """The slopes of the piece that begins with this basket of the mini-batch."""
        piece = slice(start, start + _PIECE_BASKETS)
        baskets, factor = batch.baskets[piece], batch.factor[piece]
        indptr = batch.indptr[start : start + len(baskets) + 1]
        queries = np.zeros((len(baskets), rows.shape[1]), np.float32)
        sum_given(batch.places, batch.hidden, indptr, factor, rows, queries)
        user_h = self._users.table[self._baskets.encoded.basket_user[baskets]]
        queries += np.tile(user_h * batch.known[piece, None], 2)
        choices, items = rows[: batch.choices], batch.rows[: batch.choices]
        habit = self._baskets.habit(baskets, place_of, batch.choices)
        habit *= batch.beside_habit[piece, None]
        prior, (prior_weight, habit_weight) = self._prior[items], self._weights.table[:, 0]
        logits: Float32 = queries @ choices.T
        logits += prior_weight * prior
        logits += habit_weight * habit
        loss, by_prior, by_habit = softmax_slope(
            batch.places, batch.hidden, indptr, self._correction[items], prior, habit, logits
        )
        of_queries: Float32 = logits @ choices
        of_choices: Float32 = logits.T @ queries
        return _Slopes(loss, by_prior, by_habit, of_queries, of_choices)

    def _of_users(self, batch: _Batch, of_queries: Float32) -> tuple[Int64, Float32]:
        """The users of a mini-batch, each once, and the slopes by their vectors."""
        known = batch.known > 0
        of_baskets = sum(np.split(of_queries[known], 2, axis=1))
        users, row = np.unique(
            self._baskets.encoded.basket_user[batch.baskets[known]], return_inverse=True
        )
        slopes = np.zeros((len(users), self._users.table.shape[1]), np.float32)
        np.add.at(slopes, row, of_baskets)
        return users.astype(np.int64), slopes


def train(
    baskets: EncodedBaskets,
    n_items: int,
    n_users: int,
    config: TrainConfig,
    epochs: int,
    on_step: Callable[[Step, Embeddings], bool] = lambda _step, _embeddings: False,
) -> Embeddings:
    """Trains on every basket of two items or more, once an epoch; on very few more often.

    The learning rate falls linearly over `config.most_epochs`, to zero after the last.

    Args:
        baskets: the training baskets, ordered by their start.
        n_items: rows of the item tables.
        n_users: number of users. Baskets of later ones are guests': predicted without a user, and
            their rows of the user table stay zero.
        config: see `CompletionConfig`.
        epochs: training ends after so many, at most `config.most_epochs`.
        on_step: called with the progress and the unfinished tables, which it must not change;
            training ends early when it returns True.

    Raises:
        TrainingError: no basket holds two items, or the tables turned non-finite or collapsed.
    """
    chosen = _Baskets.of(baskets, n_users)
    sampler = _Sampler(chosen, n_items, config)
    model = _Model(chosen, n_items, sampler.correction, config)
    an_epoch = sampler.passes * sampler.steps
    look = max(1, an_epoch // _LOOKS_PER_EPOCH)
    most, lines = config.most_epochs * an_epoch, len(baskets.basket_items)
    done, seen, loss = 0, 0, 0.0
    with ThreadPoolExecutor(config.threads) as pool, threadpool_limits(1, "blas"):
        for _ in range(epochs):
            for batch in sampler.epoch():
                rate = config.completion.learning_rate * (1 - done / most)
                loss += model.step(batch, rate, pool)
                done, seen = done + 1, seen + len(batch.baskets)
                if done % an_epoch and done % an_epoch % look:
                    continue
                check(model.embeddings())
                shown = Step(round(done / an_epoch * lines), loss / seen)
                seen, loss = 0, 0.0
                if on_step(shown, model.embeddings()):
                    return model.embeddings()
    return model.embeddings()


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


def _first_at_random(random: np.random.Generator, sizes: Int64, indptr: Int64) -> Int64:
    """A random order of each basket's items: the place of each, from 0 on."""
    order = np.lexsort((random.random(indptr[-1]), np.repeat(np.arange(len(sizes)), sizes)))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(indptr[:-1], sizes)
    return place
