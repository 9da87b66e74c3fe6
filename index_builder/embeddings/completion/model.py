"""The model: the tables, the two weights, and a step of training them on a mini-batch.

Every mini-batch is split into the same pieces, whatever the number of threads; their gradients are
added in one order, and the matrix products of a piece must run on one thread. So the result does
not depend on the number of threads.
"""

from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple

import numpy as np

from index_builder.config import TrainConfig
from index_builder.embeddings.checkpoints import State
from index_builder.embeddings.completion.adam import Adam
from index_builder.embeddings.completion.habits import Habits
from index_builder.embeddings.completion.loops import add_swapped, softmax_slope
from index_builder.embeddings.completion.mini_batches import MiniBatch
from index_builder.embeddings.embeddings import Embeddings, log_share
from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Float32, Int64

_PIECE_BASKETS = 64  # of a mini-batch, computed at once by one thread
_SPREAD = 0.05  # standard deviation of the first item vectors
_FIRST_PRIOR_WEIGHT = 1.0
_FIRST_HABIT_WEIGHT = 1.0


class _Slopes(NamedTuple):
    """The loss of a piece of a mini-batch, and its slopes."""

    loss: float
    by_prior: float
    by_habit: float
    of_queries: Float32
    of_choices: Float32


class Model:
    """The vectors, and the weights of prior and habit.

    Attributes:
        steps: number of steps so far.
    """

    def __init__(
        self,
        baskets: EncodedBaskets,
        n_items: int,
        n_users: int,
        correction: Float32,
        config: TrainConfig,
    ) -> None:
        """Begin at random; see `Sampler` for the correction, and for guests."""
        d, chosen = config.dimension, config.completion
        random = np.random.default_rng(config.seed)
        items = random.standard_normal((n_items, 2 * d), np.float32) * np.float32(_SPREAD)
        users = np.zeros((max(n_users, baskets.basket_user.max() + 1), d), np.float32)
        weights = np.array([[_FIRST_PRIOR_WEIGHT], [_FIRST_HABIT_WEIGHT]], np.float32)
        counts = np.bincount(baskets.basket_items, minlength=n_items)
        self._basket_user = baskets.basket_user
        self._habits = Habits.of(baskets, n_users)
        self._correction = correction
        self._prior = log_share(counts).astype(np.float32)
        self._items = Adam(items, chosen.item_decay)  # rows [p ; q]
        self._users = Adam(users, chosen.user_decay)
        self._weights = Adam(weights, 0)
        self.steps = 0

    def embeddings(self) -> Embeddings:
        """The tables as they are now; later steps change them."""
        item_p, item_q = np.split(self._items.table, 2, axis=1)
        return Embeddings(item_p, item_q, self._users.table)

    def state(self) -> State:
        """All that steps change, for `resume`."""
        moved = {f"{n}_{k}": a for n, o in self._moved().items() for k, a in enumerate(o.state())}
        return moved | {"steps": np.array(self.steps)}

    def resume(self, state: State) -> None:
        """Go on from where another model of the same baskets was."""
        for name, each in self._moved().items():
            each.resume([state[f"{name}_{part}"] for part in range(3)])
        self.steps = int(state["steps"])

    def _moved(self) -> dict[str, Adam]:
        return {"items": self._items, "users": self._users, "weights": self._weights}

    @np.errstate(over="ignore", invalid="ignore")  # `check` refuses the result
    def step(self, batch: MiniBatch, rate: float, pool: Executor) -> float:
        """One step of Adam; returns the sum of the losses."""
        rows = self._items.table[batch.rows]
        queries = self._queries(batch, rows)
        starts = range(0, len(batch.baskets), _PIECE_BASKETS)
        pieces = list(pool.map(partial(self._slopes, batch, rows, queries), starts))
        of_queries = np.concatenate([piece.of_queries for piece in pieces])
        of_rows = np.zeros_like(rows)
        for piece in pieces:  # in this order, whichever was ready first
            of_rows[: batch.choices] += piece.of_choices
        add_swapped(of_queries, batch.given_basket, batch.given_weight, batch.given_place, of_rows)
        users, of_users = self._of_users(batch, of_queries)
        by_prior = sum(piece.by_prior for piece in pieces)
        by_habit = sum(piece.by_habit for piece in pieces)
        of_weights = np.array([[by_prior], [by_habit]])
        size = np.float32(len(batch.baskets))
        self.steps += 1
        self._items.step(batch.rows, of_rows / size, self.steps, rate, pool)
        self._users.step(users, of_users / size, self.steps, rate, pool)
        both = np.arange(2)
        self._weights.step(both, (of_weights / size).astype(np.float32), self.steps, rate, pool)
        return sum(piece.loss for piece in pieces)

    def _queries(self, batch: MiniBatch, rows: Float32) -> Float32:
        """The vector whose product with [p_j ; q_j] is the vectors' part of a logit, (b, 2d)."""
        queries = np.zeros((len(batch.baskets), rows.shape[1]), np.float32)
        add_swapped(rows, batch.given_place, batch.given_weight, batch.given_basket, queries)
        user_h = self._users.table[self._basket_user[batch.baskets]]
        queries += np.tile(user_h * batch.known[:, None], 2)
        return queries

    @np.errstate(over="ignore", invalid="ignore")  # of each thread
    def _slopes(self, batch: MiniBatch, rows: Float32, queries: Float32, start: int) -> _Slopes:
        """The slopes of the piece that begins with this basket of the mini-batch."""
        piece = slice(start, start + _PIECE_BASKETS)
        indptr = batch.indptr[start : start + _PIECE_BASKETS + 1]
        choices, items = rows[: batch.choices], batch.rows[: batch.choices]
        habit = self._habits.before(batch.baskets[piece], batch.place_of, batch.choices)
        habit *= batch.beside_habit[piece, None]
        prior, (prior_weight, habit_weight) = self._prior[items], self._weights.table[:, 0]
        logits: Float32 = queries[piece] @ choices.T
        logits += prior_weight * prior
        logits += habit_weight * habit
        loss, by_prior, by_habit = softmax_slope(
            batch.places, batch.hidden, indptr, self._correction[items], prior, habit, logits
        )
        of_queries: Float32 = logits @ choices
        of_choices: Float32 = logits.T @ queries[piece]
        return _Slopes(loss, by_prior, by_habit, of_queries, of_choices)

    def _of_users(self, batch: MiniBatch, of_queries: Float32) -> tuple[Int64, Float32]:
        """The users of a mini-batch, each once, and the slopes by their vectors."""
        of_baskets = sum(np.split(of_queries[batch.known], 2, axis=1))
        users, row = np.unique(self._basket_user[batch.baskets[batch.known]], return_inverse=True)
        slopes = np.zeros((len(users), self._users.table.shape[1]), np.float32)
        np.add.at(slopes, row, of_baskets)
        return users.astype(np.int64), slopes
