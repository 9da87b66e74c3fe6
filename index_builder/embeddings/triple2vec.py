"""triple2vec: user vectors and dual item vectors from (user, item, item) triples.

Wan et al., "Representing and recommending shopping baskets with complementarity, compatibility,
and loyalty", CIKM 2018. For a triple (u, i, j), drawn from a basket of user u, training maximises
log P(i | j, u) + log P(j | i, u) + log P(u | i, j), each by noise-contrastive estimation.

The logit of an item is its part of the cohesion score plus its log popularity, so that the vectors
learn only what popularity does not explain; the row of the index adds the prior again. Without
`popularity_logit` it is the plain NCE of the papers.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from index_builder.config import TrainConfig
from index_builder.embeddings import nce
from index_builder.embeddings.checkpoints import Checkpoint, Form, Forms, State
from index_builder.embeddings.embeddings import (
    Embeddings,
    Step,
    TrainingError,
    check,
    check_items,
    log_share,
)
from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Float32, Int64, UInt64
from service.support.arrays.offsets import offsets
from service.support.arrays.read_only import read_only

_STEP_TRIPLES = 1 << 18  # per thread, between two looks at the progress
_FEWEST_STEPS = 10  # so that a short training can stop early too
_TRIPLES_PER_CHECKED_ITEM = 16  # so that looking at items takes little of the time
_LAST_RATE = 0.01  # of the first learning rate
_TABLES = ("item_p", "item_q", "user_h")


def _noise(counts: Int64, config: TrainConfig) -> nce.Noise:
    """The noise, and the offset of each row's logit.

    The offset is log prior - log(negatives * noise probability); the prior is the share, or equal
    for all (plain NCE, normalised while the vectors know nothing).
    """
    by_rank = np.argsort(-counts, kind="stable").astype(np.int32)
    rank = np.arange(len(counts))
    probability = np.empty(len(counts))
    probability[by_rank] = np.log((rank + 2) / (rank + 1)) / np.log(len(counts) + 1)
    prior = log_share(counts) if config.popularity_logit else -np.log(len(counts))
    offset = prior - np.log(config.negatives * probability)
    return nce.Noise(read_only(by_rank), read_only(offset.astype(np.float32)))


def train(
    baskets: EncodedBaskets,
    n_items: int,
    n_users: int,
    config: TrainConfig,
    triples: int,
    on_step: Callable[[Step, Embeddings], bool] = lambda _step, _embeddings: False,
) -> Embeddings:
    """Trains on random triples: a line of the baskets, then another line of the same basket.

    Args:
        baskets: the training baskets.
        n_items: rows of the item tables.
        n_users: rows of the user table.
        config: dimension, negatives, learning rate, popularity_logit, threads, seed.
        triples: number of triples over which the learning rate falls.
        on_step: called with the progress and the unfinished tables, which it must not change;
            training ends early when it returns True.

    Raises:
        TrainingError: no basket holds two items, or the tables turned non-finite or collapsed.
    """
    pairs = _pairs(baskets)
    lines = np.bincount(pairs.line_item, minlength=n_items)
    user_lines = np.bincount(baskets.basket_user[pairs.line_basket], minlength=n_users)
    checkpoint = Checkpoint(config, baskets, n_items, n_users, triples)
    saved = checkpoint.read(_forms(n_items, n_users, config))
    embeddings, states, begun = _begin(saved, n_items, n_users, config)
    item_noise = _noise(lines, config)
    user_noise = _noise(user_lines, config)

    tables = nce.Tables(embeddings.item_p, embeddings.item_q, embeddings.user_h)

    def run(state: UInt64, count: int, rates: tuple[float, float]) -> float:
        loss: float = nce.run(
            count, rates, state, config.negatives, pairs, tables, item_noise, user_noise
        )
        return loss

    strangers = np.flatnonzero(user_lines == 0)
    unchecked = 0
    with ThreadPoolExecutor(config.threads) as pool:
        for done, count in _schedule(triples, config.threads):
            rates = (_rate(done, triples, config), _rate(done + count, triples, config))
            shares = [count // config.threads] * config.threads
            shares[0] += count % config.threads
            if done < begun:
                continue
            losses = list(pool.map(run, states, shares, [rates] * config.threads))
            embeddings.user_h[strangers] = 0  # only ever drawn as noise
            unchecked += count
            if unchecked >= _TRIPLES_PER_CHECKED_ITEM * n_items:
                check_items(embeddings)
                unchecked = 0
            if on_step(Step(done + count, sum(losses) / (3 * count)), embeddings):
                break
            at_end = done + count == triples
            checkpoint.keep(partial(_state, embeddings, states, done + count), at_once=at_end)
    check(embeddings)
    return embeddings


def _pairs(baskets: EncodedBaskets) -> nce.Pairs:
    sizes, basket = baskets.basket_sizes, baskets.line_basket
    paired = sizes[basket] >= 2
    if not paired.any():
        raise TrainingError("expected baskets of two items or more, found none")
    return nce.Pairs(
        line_item=read_only(baskets.basket_items[paired]),
        line_basket=read_only(basket[paired]),
        indptr=read_only(offsets(np.where(sizes >= 2, sizes, 0))),
        basket_user=read_only(baskets.basket_user),
    )


def _begin(
    saved: State | None, n_items: int, n_users: int, config: TrainConfig
) -> tuple[Embeddings, list[UInt64], int]:
    """Tables, random states and number of triples, at the beginning or as they were kept."""
    if saved is not None:
        tables = Embeddings(*(saved[name] for name in _TABLES))
        return tables, [state.copy() for state in saved["states"]], int(saved["done"])
    rng = np.random.default_rng(config.seed)

    def table(rows: int) -> Float32:
        values = rng.random((rows, config.dimension), np.float32)
        values -= 0.5
        values /= config.dimension
        return values

    return Embeddings(table(n_items), table(n_items), table(n_users)), _random_states(config), 0


def _state(embeddings: Embeddings, states: list[UInt64], done: int) -> State:
    """What `_begin` reads."""
    return {**vars(embeddings), "states": np.array(states), "done": np.array(done)}


def _forms(n_items: int, n_users: int, config: TrainConfig) -> Forms:
    """Those of `_state`."""
    rows = zip(_TABLES, (n_items, n_items, n_users), strict=True)
    tables = {name: Form("float32", (n, config.dimension)) for name, n in rows}
    return tables | {"states": Form("uint64", (config.threads, 1)), "done": Form("int64", ())}


def _random_states(config: TrainConfig) -> list[UInt64]:
    """One random state per thread, none of them zero, which xorshift never leaves."""
    seeds = np.random.SeedSequence(config.seed).spawn(config.threads)
    return [seed.generate_state(1, np.uint64) | np.uint64(1) for seed in seeds]


def _schedule(triples: int, threads: int) -> Iterator[tuple[int, int]]:
    step = min(_STEP_TRIPLES * threads, -(-triples // _FEWEST_STEPS))
    for done in range(0, triples, step):
        yield done, min(step, triples - done)


def _rate(done: int, triples: int, config: TrainConfig) -> float:
    return config.learning_rate * max(_LAST_RATE, 1 - done / triples)
