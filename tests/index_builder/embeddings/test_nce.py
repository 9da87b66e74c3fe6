"""The compiled loop of training, against the loss as the paper writes it."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.embeddings.nce import Noise, Pairs, run
from index_builder.embeddings.nce import Tables as Tables32
from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Float32, Float64, Int32
from service.support.arrays.read_only import read_only
from tests.data.encoded import encoded

Tables = dict[str, Float64]


def pairs_of(baskets: EncodedBaskets) -> Pairs:
    """All lines, each of a basket of two items or more."""
    return Pairs(
        read_only(baskets.basket_items),
        read_only(baskets.line_basket),
        read_only(baskets.basket_indptr),
        read_only(baskets.basket_user),
    )


def law(by_rank: Int32, offset: Float32 | Float64) -> Noise:
    return Noise(read_only(by_rank), read_only(offset.astype(np.float32)))


@dataclass(frozen=True)
class World:
    """Lines of baskets and noise laws, as the compiled loop takes them."""

    baskets: EncodedBaskets
    item_by_rank: Int32
    user_by_rank: Int32
    item_offset: Float64
    user_offset: Float64

    def run(
        self, tables: Tables, state: int, triples: int, rate: float, negatives: int
    ) -> tuple[float, Tables]:
        """The loss of some triples, and what the tables are then."""
        after = {name: table.astype(np.float32) for name, table in tables.items()}
        loss = run(
            triples, (rate, rate), np.array([state], np.uint64), negatives,
            pairs_of(self.baskets), Tables32(after["p"], after["q"], after["h"]),
            law(self.item_by_rank, self.item_offset), law(self.user_by_rank, self.user_offset),
        )  # fmt: skip
        return loss, {name: table.astype(float) for name, table in after.items()}


class Draws:
    """xorshift64 (Marsaglia, 2003) in Python integers, read from its upper half."""

    def __init__(self, state: int) -> None:
        self.state = state

    def below(self, n: int) -> int:
        for left, right in ((13, 0), (0, 7), (17, 0)):
            self.state ^= (self.state << left if left else self.state >> right) % 2**64
        return (self.state >> 32) * n >> 32

    def noise(self, by_rank: Int32, negatives: int) -> list[int]:
        uniforms = [self.below(2**32) / 2**32 for _ in range(negatives)]
        ranks = [int(np.exp(uniform * np.log(len(by_rank) + 1))) - 1 for uniform in uniforms]
        return [int(by_rank[min(rank, len(by_rank) - 1)]) for rank in ranks]


def softplus(x: float) -> float:
    return float(np.logaddexp(0, x))


def nce(
    context: Float64, table: Float64, offset: Float64, positive: int, noise: list[int]
) -> float:
    """-log sigmoid(positive) - sum of log(1 - sigmoid(noise)), skipping what is the positive."""
    logits = table @ context + offset
    return softplus(-logits[positive]) + sum(softplus(logits[n]) for n in noise if n != positive)


def paper_loss(world: World, tables: Tables, state: int, negatives: int) -> float:
    """The loss of the one triple that these random draws choose."""
    draws, baskets = Draws(state), world.baskets
    line = draws.below(len(baskets.basket_items))
    basket = int(world.baskets.line_basket[line])
    start, stop = baskets.basket_indptr[basket : basket + 2].tolist()
    others = [other for other in range(start, stop) if other != line]
    i, j = baskets.basket_items[[line, others[draws.below(len(others))]]].tolist()
    u = int(baskets.basket_user[basket])
    p, q, h = tables["p"], tables["q"], tables["h"]
    assert i != j
    loss = 0.0
    for context, table, positive in ((q[j] + h[u], p, i), (p[i] + h[u], q, j)):
        noise = draws.noise(world.item_by_rank, negatives)
        loss += nce(context, table, world.item_offset, positive, noise)
    noise = draws.noise(world.user_by_rank, negatives)
    return loss + nce(p[i] + q[j], h, world.user_offset, u, noise)


def gradient(world: World, tables: Tables, state: int, negatives: int) -> Tables:
    """The derivative of the loss by every number in the tables, by central differences."""
    found = {name: np.zeros_like(table) for name, table in tables.items()}
    for name, table in tables.items():
        for place in np.ndindex(table.shape):
            ends = []
            for shift in (1e-5, -1e-5):
                moved = {other: each.copy() for other, each in tables.items()}
                moved[name][place] += shift
                ends.append(paper_loss(world, moved, state, negatives))
            found[name][place] = (ends[0] - ends[1]) / 2e-5
    return found


@settings(max_examples=40)
@given(state=st.integers(1, 2**64 - 1), seed=st.integers(0, 2**32 - 1), negatives=st.integers(1, 5))
def test_a_step_follows_the_gradient_of_the_papers_loss(
    state: int, seed: int, negatives: int
) -> None:
    random = np.random.default_rng(seed)
    world = World(
        encoded([[0, 2, 4], [1, 3], [0, 1, 2, 3, 4]], users=[0, 2, 1]),
        item_by_rank=random.permutation(5).astype(np.int32),
        user_by_rank=random.permutation(3).astype(np.int32),
        item_offset=random.standard_normal(5),
        user_offset=random.standard_normal(3),
    )
    # Small enough for logits between -8 and 8, beyond which the loop takes the sigmoid as flat.
    rows = {"p": 5, "q": 5, "h": 3}
    tables = {name: random.standard_normal((n, 3)) / 2 for name, n in rows.items()}
    rate = 1e-3
    loss, after = world.run(tables, state, 1, rate, negatives)
    assert loss == pytest.approx(paper_loss(world, tables, state, negatives), abs=0.1)
    wanted = gradient(world, tables, state, negatives)
    for name, table in tables.items():
        # The sigmoid comes from a table of steps of 1/256, numbers are float32, and the three terms
        # follow one another: about a hundredth.
        moved = (after[name] - table.astype(np.float32)) / -rate
        np.testing.assert_allclose(moved, wanted[name], rtol=0.01, atol=0.02, err_msg=name)


def test_noise_is_log_uniform_over_popularity_rank() -> None:
    # p = 0, q = 1, h = 0, one user: the first term pushes every noise item down by rate / 2 each
    # time that it is drawn, and the second moves nothing, its context being 0.
    n, triples, negatives, rate = 50, 40_000, 5, 1e-7
    by_rank = np.random.default_rng(1).permutation(n).astype(np.int32)
    positives = sorted(by_rank[-2:].tolist())
    world = World(
        encoded([positives], users=[0]),
        item_by_rank=by_rank,
        user_by_rank=np.zeros(1, np.int32),
        item_offset=np.zeros(n),
        user_offset=np.zeros(1),
    )
    tables = {"p": np.zeros((n, 1)), "q": np.ones((n, 1)), "h": np.zeros((1, 1))}
    _, after = world.run(tables, 0x9E3779B97F4A7C15, triples, rate, negatives)
    drawn = -after["p"][by_rank[:-2], 0] / (rate / 2)
    rank = np.arange(n - 2)
    expected = triples * negatives * np.log((rank + 2) / (rank + 1)) / np.log(n + 1)
    assert (np.abs(drawn - expected) < 5 * np.sqrt(expected) + 0.005 * expected).all()


@given(state=st.integers(1, 2**64 - 1), users=st.integers(1, 3), triples=st.integers(1, 7))
def test_looking_ahead_changes_nothing(state: int, users: int, triples: int) -> None:
    random = np.random.default_rng(0)
    baskets = encoded([[0, 2, 4], [1, 3], [0, 1, 2, 3, 4]], users=[0, users - 1, users // 2])
    items, user_ranks = np.arange(5, dtype=np.int32), np.arange(users, dtype=np.int32)
    first = [random.standard_normal((n, 3), np.float32) for n in (5, 5, users)]
    offsets = np.zeros(5, np.float32)

    def after(*counts: int) -> tuple[list[int], float, list[bytes]]:
        """Random state, loss and tables after so many triples in each call."""
        states, tables = np.array([state], np.uint64), [table.copy() for table in first]
        p, q, h = tables
        loss = 0.0
        for count in counts:
            loss += run(
                count, (0.1, 0.1), states, 4, pairs_of(baskets), Tables32(p, q, h),
                law(items, offsets), law(user_ranks, offsets),
            )  # fmt: skip
        return states.tolist(), round(loss, 6), [table.tobytes() for table in tables]

    assert after(triples) == after(*[1] * triples)
