"""The inner loop of triple2vec, compiled: three NCE terms per triple, updated in place.

Threads run it side by side on the same tables without locks (Hogwild: Niu et al., NIPS 2011).
Each holds its own random state, so that one thread alone is bit-reproducible.
"""

import math

import numba
import numpy as np

from service.support.arrays.array_types import Float32, Int32, Int64, UInt64
from service.support.compiled.compilation import compiled

# Sigmoid and softplus from a table, as word2vec does: exp is most of the cost otherwise.
_LIMIT = np.float32(8)
_CELLS = 4096
_CELLS_PER_UNIT = np.float32(_CELLS / (2 * _LIMIT))
_MIDDLES = (np.arange(_CELLS) + 0.5) / _CELLS_PER_UNIT - _LIMIT
_SIGMOID = (1 / (1 + np.exp(-_MIDDLES))).astype(np.float32)
_SOFTPLUS = np.log1p(np.exp(_MIDDLES)).astype(np.float32)


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
def _draw_noise(random: np.uint64, rows: Int32, by_rank: Int32, log_ranks: float) -> np.uint64:
    """Fills rows[1:] with noise: P(rank) = log((rank + 2) / (rank + 1)) / log(n + 1).

    All rows are drawn first, so that the processor can prefetch them. Returns the random state;
    `log_ranks` is log(n + 1).
    """
    n = by_rank.shape[0]
    for sample in range(1, rows.shape[0]):
        random = _next(random)
        uniform = _below(random, 1 << 32) * 2.0**-32
        rank = np.int64(math.exp(uniform * log_ranks)) - 1
        rows[sample] = by_rank[min(rank, n - 1)]
    return random


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


@compiled(
    dimensions={"item_p": 2, "item_q": 2, "user_h": 2},
    written={"state", "item_p", "item_q", "user_h"},
    fastmath=True,
)
def run(
    triples: int,
    first_rate: float,
    last_rate: float,
    state: UInt64,
    negatives: int,
    line_item: Int32,
    line_basket: Int32,
    indptr: Int64,
    basket_user: Int32,
    item_p: Float32,
    item_q: Float32,
    user_h: Float32,
    item_by_rank: Int32,
    item_offset: Float32,
    user_by_rank: Int32,
    user_offset: Float32,
) -> np.float64:
    """Trains on random triples and returns the sum of the losses of their 3 terms each."""
    d = item_p.shape[1]
    context = np.empty(d, np.float32)
    from_p, from_q, from_u = (
        np.zeros(d, np.float32),
        np.zeros(d, np.float32),
        np.zeros(d, np.float32),
    )
    item_rows = np.empty(negatives + 1, np.int32)
    user_rows = np.empty(negatives + 1, np.int32)
    log_items, log_users = math.log(len(item_by_rank) + 1.0), math.log(len(user_by_rank) + 1.0)
    random = state[0]
    total = np.float64(0)  # in double: millions of terms
    for t in range(triples):
        rate = np.float32(first_rate + (last_rate - first_rate) * t / triples)
        # A line, then another line of its basket: i != j, since a basket's items are distinct.
        random = _next(random)
        line = _below(random, len(line_item))
        basket = line_basket[line]
        start, size = indptr[basket], indptr[basket + 1] - indptr[basket]
        random = _next(random)
        other = start + _below(random, size - 1)
        other += other >= line
        i, j, u = line_item[line], line_item[other], basket_user[basket]
        p_i, q_j, h_u = item_p[i], item_q[j], user_h[u]

        for f in range(d):  # P(i | j, u)
            context[f] = q_j[f] + h_u[f]
        item_rows[0] = i
        random = _draw_noise(random, item_rows, item_by_rank, log_items)
        total += _term(context, from_p, item_p, item_rows, item_offset, rate)
        for f in range(d):  # P(j | i, u)
            context[f] = p_i[f] + h_u[f]
        item_rows[0] = j
        random = _draw_noise(random, item_rows, item_by_rank, log_items)
        total += _term(context, from_q, item_q, item_rows, item_offset, rate)
        if len(user_by_rank) > 1:  # with a single user, P(u | i, j) is always 1
            for f in range(d):
                context[f] = p_i[f] + q_j[f]
            user_rows[0] = u
            random = _draw_noise(random, user_rows, user_by_rank, log_users)
            total += _term(context, from_u, user_h, user_rows, user_offset, rate)

        for f in range(d):
            q_j[f] += from_p[f] + from_u[f]
            p_i[f] += from_q[f] + from_u[f]
            h_u[f] += from_p[f] + from_q[f]
    state[0] = random
    return total
