"""The inner loop of triple2vec, compiled: three NCE terms per triple, updated in place.

Threads run it side by side on the same tables without locks (Hogwild: Niu et al., NIPS 2011).
Each holds its own random state, so that one thread alone is bit-reproducible.
"""

import math
from typing import Annotated, NamedTuple

import numba
import numpy as np

from service.support.arrays.array_types import Float32, Int32, Int64, UInt64
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout
from service.support.compiled.prefetching import prefetch

# Sigmoid and softplus from a table, as word2vec does: exp is most of the cost otherwise.
_LIMIT = np.float32(8)
_CELLS = 4096
_CELLS_PER_UNIT = np.float32(_CELLS / (2 * _LIMIT))
_MIDDLES = (np.arange(_CELLS) + 0.5) / _CELLS_PER_UNIT - _LIMIT
_SIGMOID = (1 / (1 + np.exp(-_MIDDLES))).astype(np.float32)
_SOFTPLUS = np.log1p(np.exp(_MIDDLES)).astype(np.float32)

_Table = Annotated[Float32, Layout(axes=2, written=True)]


class Pairs(NamedTuple):
    """The baskets of two items or more, line by line; arrays are read-only.

    Attributes:
        line_item, line_basket: (lines,) int32, the item and the basket of each line.
        indptr: (n_baskets + 1,) int64, offsets of all baskets into the lines.
        basket_user: (n_baskets,) int32.
    """

    line_item: Int32
    line_basket: Int32
    indptr: Int64
    basket_user: Int32


class Noise(NamedTuple):
    """A log-uniform (Zipf) law over popularity rank; arrays are read-only.

    Attributes:
        by_rank: (n,) int32, the row at each rank, most popular first.
        offset: (n,) float32 by row, of its logit.
    """

    by_rank: Int32
    offset: Float32


class Tables(NamedTuple):
    """The tables that are trained, float32: (n_items, d) twice, and (n_users, d)."""

    item_p: _Table
    item_q: _Table
    user_h: _Table


@numba.njit(inline="always")
def _next(random: np.uint64) -> np.uint64:
    """The next random state (xorshift64), passed by value so that it stays in a register.

    In memory, the states of two threads would share a cache line, written at every draw.
    """
    random ^= random << np.uint64(13)
    random ^= random >> np.uint64(7)
    random ^= random << np.uint64(17)
    return random


@numba.njit(inline="always")
def _below(random: np.uint64, n: int) -> np.int64:
    """The state as an integer in [0, n): its upper half, scaled."""
    return np.int64(((random >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@numba.njit(inline="always")
def _draw_ranks(random: np.uint64, ranks: Int32, n: int, log_ranks: float) -> np.uint64:
    """Fills ranks[1:] with noise: P(rank) = log((rank + 2) / (rank + 1)) / log(n + 1).

    Returns the random state; `log_ranks` is log(n + 1).
    """
    for sample in range(1, ranks.shape[0]):
        random = _next(random)
        uniform = _below(random, 1 << 32) * 2.0**-32
        ranks[sample] = min(int(math.exp(uniform * log_ranks)) - 1, n - 1)
    return random


@numba.njit(inline="always")
def _look_up(rows: Int32, positive: int, ranks: Int32, by_rank: Int32) -> None:
    """Writes the row of the positive, then those of the noise."""
    rows[0] = positive
    for sample in range(1, len(rows)):
        rows[sample] = by_rank[ranks[sample]]


@numba.njit(inline="always")
def _fetch(table: Float32 | Int32, places: Int32, size: int) -> None:
    """Asks for places of a flat table, of so many elements each."""
    for place in places:
        start = int(place) * size
        prefetch(table, start, start + size)


@numba.njit(inline="always")
def _term(
    context: Float32,
    gradient: Float32,
    table: Float32,
    rows: Int32,
    offset: Float32,
    rate: np.float32,
) -> np.float32:
    """One NCE term: separates rows[0] of the table, the positive, from the noise in rows[1:].

    Updates these rows of the table, writes the change of the context into `gradient` (both of shape
    (d,)) and returns the loss.
    """
    d = context.shape[0]
    positive = rows[0]
    loss = np.float32(0)
    for f in range(d):
        gradient[f] = 0
    for sample in range(rows.shape[0]):
        row = rows[sample]
        if sample and row == positive:
            continue
        vector = table[row]
        logit = offset[row]
        for f in range(d):
            logit += context[f] * vector[f]
        cell = min(max(int((logit + _LIMIT) * _CELLS_PER_UNIT), 0), _CELLS - 1)
        if sample == 0:
            # sigmoid(-x), read from the same table: the loop below must stay in single precision.
            step = rate * _SIGMOID[_CELLS - 1 - cell]
            loss += _SOFTPLUS[_CELLS - 1 - cell]
        else:
            step = -rate * _SIGMOID[cell]
            loss += _SOFTPLUS[cell]
        for f in range(d):
            value = vector[f]
            gradient[f] += step * value
            vector[f] = value + step * context[f]
    return loss


@compiled(fastmath=True)
def run(
    triples: int,
    rates: tuple[float, float],
    state: Annotated[UInt64, Layout(written=True)],
    negatives: int,
    pairs: Pairs,
    tables: Tables,
    item_noise: Noise,
    user_noise: Noise,
) -> np.float64:
    """Trains on random triples and returns the sum of the losses of their 3 terms each.

    In large tables, waiting for memory would take most of the time. So a triple goes through three
    stages, while those before it are in the next ones: its numbers are drawn, then its rows are
    looked up, then it is learned from; what a stage will read is asked for in the one before.

    Args:
        triples: their number.
        rates: the learning rate at the first and behind the last.
        state: (1,) the random state, not 0; receives the last.
        negatives: noise samples of each term.
        pairs: where triples are drawn.
        tables: updated.
        item_noise: whose items are the noise.
        user_noise: whose users are; of a single one there is none.
    """
    line_item, line_basket, indptr, basket_user = pairs
    item_p, item_q, user_h = tables
    item_by_rank, item_offset = item_noise
    user_by_rank, user_offset = user_noise
    first_rate, last_rate = rates
    d = item_p.shape[1]
    several_users = len(user_by_rank) > 1  # with a single one, P(u | i, j) is always 1
    context = np.empty(d, np.float32)
    from_p, from_q, from_u = (
        np.zeros(d, np.float32),
        np.zeros(d, np.float32),
        np.zeros(d, np.float32),
    )
    lines, others = np.empty(2, np.int64), np.empty(2, np.int64)
    ranks = np.zeros((2, 3, negatives + 1), np.int32)
    rows = np.empty((2, 3, negatives + 1), np.int32)  # of p, q and h: the positive, then noise
    log_items, log_users = math.log(len(item_by_rank) + 1.0), math.log(len(user_by_rank) + 1.0)
    flat_p, flat_q, flat_u = item_p.reshape(-1), item_q.reshape(-1), user_h.reshape(-1)
    random = state[0]
    total = np.float64(0)  # in double: millions of terms
    for t in range(triples + 2):
        if t < triples:  # draw triple t
            place = t % 2
            random = _next(random)
            lines[place] = _below(random, len(line_item))
            random = _next(random)
            others[place] = random >> np.uint64(32)
            for table in range(2):
                random = _draw_ranks(random, ranks[place, table], len(item_by_rank), log_items)
                _fetch(item_by_rank, ranks[place, table], 1)
            if several_users:
                random = _draw_ranks(random, ranks[place, 2], len(user_by_rank), log_users)
                _fetch(user_by_rank, ranks[place, 2], 1)
            prefetch(line_item, lines[place], lines[place] + 1)
            prefetch(line_basket, lines[place], lines[place] + 1)
        if 1 <= t <= triples:  # look up triple t - 1
            place = (t - 1) % 2
            # A line and another line of its basket: i != j, since a basket's items are distinct.
            line = lines[place]
            basket = line_basket[line]
            start, size = indptr[basket], indptr[basket + 1] - indptr[basket]
            other = start + ((others[place] * (size - 1)) >> 32)
            other += other >= line
            _look_up(rows[place, 0], line_item[line], ranks[place, 0], item_by_rank)
            _look_up(rows[place, 1], line_item[other], ranks[place, 1], item_by_rank)
            _look_up(rows[place, 2], basket_user[basket], ranks[place, 2], user_by_rank)
            _fetch(flat_p, rows[place, 0], d)
            _fetch(flat_q, rows[place, 1], d)
            _fetch(flat_u, rows[place, 2], d)
        if t < 2:
            continue
        # Learn from triple t - 2.
        rate = np.float32(first_rate + (last_rate - first_rate) * (t - 2) / triples)
        p_rows, q_rows, u_rows = rows[t % 2]
        p_i, q_j, h_u = item_p[p_rows[0]], item_q[q_rows[0]], user_h[u_rows[0]]

        for f in range(d):  # P(i | j, u)
            context[f] = q_j[f] + h_u[f]
        total += _term(context, from_p, item_p, p_rows, item_offset, rate)
        for f in range(d):  # P(j | i, u)
            context[f] = p_i[f] + h_u[f]
        total += _term(context, from_q, item_q, q_rows, item_offset, rate)
        if several_users:  # P(u | i, j)
            for f in range(d):
                context[f] = p_i[f] + q_j[f]
            total += _term(context, from_u, user_h, u_rows, user_offset, rate)

        for f in range(d):
            q_j[f] += from_p[f] + from_u[f]
            p_i[f] += from_q[f] + from_u[f]
            h_u[f] += from_p[f] + from_q[f]
    state[0] = random
    return total
