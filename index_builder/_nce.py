"""The inner loop of triple2vec, compiled: three NCE terms per triple, updated in place.

Threads run it side by side on the same tables without locks (Hogwild: Niu et al., NIPS 2011).
Each holds its own random state, so that one thread alone is bit-reproducible.
"""

import math

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["run"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

# Sigmoid and softplus from a table, as word2vec does: exp is most of the cost otherwise.
_LIMIT = np.float32(8)
_CELLS = 4096
_CELLS_PER_UNIT = np.float32(_CELLS / (2 * _LIMIT))
_MIDDLES = (np.arange(_CELLS) + 0.5) / _CELLS_PER_UNIT - _LIMIT
_SIGMOID = (1 / (1 + np.exp(-_MIDDLES))).astype(np.float32)
_SOFTPLUS = np.log1p(np.exp(_MIDDLES)).astype(np.float32)


@numba.njit(inline="always")
def _below(state: UInt64, n: int) -> np.int64:
    """A random integer in [0, n): xorshift64, scaled by its upper half."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return np.int64(((x >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@numba.njit(inline="always")
def _log_uniform(state: UInt64, by_rank: Int32) -> np.int64:
    """A random row: P(rank) = log((rank + 2) / (rank + 1)) / log(n + 1)."""
    n = by_rank.shape[0]
    uniform = _below(state, 1 << 32) * 2.0**-32
    rank = np.int64(math.exp(uniform * math.log(n + 1.0))) - 1
    return np.int64(by_rank[min(rank, n - 1)])


@numba.njit(nogil=True, fastmath=True, cache=True)
def _term(
    context: Float32,
    gradient: Float32,
    table: Float32,
    positive: np.int64,
    by_rank: Int32,
    offset: Float32,
    negatives: int,
    rate: np.float32,
    state: UInt64,
) -> np.float32:
    """One NCE term: tells the positive row of the table from noise, given the context.

    Updates the rows of the table; writes what the context should change by into `gradient`
    (both of shape (d,)) and returns the loss.
    """
    d = context.shape[0]
    loss = np.float32(0)
    for f in range(d):
        gradient[f] = 0
    for sample in range(negatives + 1):
        row = positive if sample == 0 else _log_uniform(state, by_rank)
        if sample and row == positive:
            continue
        logit = offset[row]
        for f in range(d):
            logit += context[f] * table[row, f]
        cell = min(max(int((logit + _LIMIT) * _CELLS_PER_UNIT), 0), _CELLS - 1)
        if sample == 0:
            step = rate * (1 - _SIGMOID[cell])
            loss += _SOFTPLUS[_CELLS - 1 - cell]
        else:
            step = -rate * _SIGMOID[cell]
            loss += _SOFTPLUS[cell]
        for f in range(d):
            value = table[row, f]
            gradient[f] += step * value
            table[row, f] = value + step * context[f]
    return loss


@numba.njit(nogil=True, fastmath=True, cache=True)
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
    """Learns from that many random triples and returns the summed loss of their 3 terms each."""
    d = item_p.shape[1]
    context = np.empty(d, np.float32)
    from_p, from_q, from_u = (
        np.empty(d, np.float32),
        np.empty(d, np.float32),
        np.empty(d, np.float32),
    )
    total = np.float64(0)  # in double: millions of terms
    for t in range(triples):
        rate = np.float32(first_rate + (last_rate - first_rate) * t / triples)
        # A line, then another line of its basket: i != j, since a basket's items are distinct.
        line = _below(state, line_item.shape[0])
        basket = line_basket[line]
        start, size = indptr[basket], indptr[basket + 1] - indptr[basket]
        other = start + _below(state, size - 1)
        other += other >= line
        i, j, u = line_item[line], line_item[other], basket_user[basket]

        for f in range(d):  # P(i | j, u)
            context[f] = item_q[j, f] + user_h[u, f]
        total += _term(
            context, from_p, item_p, i, item_by_rank, item_offset, negatives, rate, state
        )
        for f in range(d):  # P(j | i, u)
            context[f] = item_p[i, f] + user_h[u, f]
        total += _term(
            context, from_q, item_q, j, item_by_rank, item_offset, negatives, rate, state
        )
        for f in range(d):  # P(u | i, j)
            context[f] = item_p[i, f] + item_q[j, f]
        total += _term(
            context, from_u, user_h, u, user_by_rank, user_offset, negatives, rate, state
        )

        for f in range(d):
            item_q[j, f] += from_p[f] + from_u[f]
            item_p[i, f] += from_q[f] + from_u[f]
            user_h[u, f] += from_p[f] + from_q[f]
    return total
