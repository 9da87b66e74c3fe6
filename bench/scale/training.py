"""Training of triple2vec at the size of the paper's shop: speed, share of the loop, and memory."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time, thread_time
from typing import Any
from unittest.mock import patch

from bench.figures import Figure
from bench.processes import CORES, peak_memory, process_on
from bench.scale.baskets import random_baskets
from index_builder.config import Objective, TrainConfig
from index_builder.embeddings import nce, triple2vec

__all__ = ["measure_training"]


@dataclass(frozen=True)
class _Trained:
    """Processor seconds of a training and of its compiled loop, in all threads; memory in MB."""

    all_s: float
    loop_s: float
    tables: float
    peak: float


def measure_training(n_users: int, n_items: int, triples: int) -> Iterator[Figure]:
    """Trains on random baskets in an interpreter of its own, on all cores.

    Args:
        n_users: number of users; each has two baskets of some eight items.
        n_items: number of items.
        triples: how many it trains on.
    """
    config = TrainConfig(objective=Objective.TRIPLE2VEC, threads=len(CORES))
    with process_on(set(CORES)) as process:
        trained = process.submit(_train, n_users, n_items, triples, config).result()
    under: dict[str, str | float] = {"users": n_users, "items": n_items, "d": config.dimension}
    under |= {"triples": triples, "threads": config.threads}
    speed = triples / trained.loop_s / 1e6
    yield Figure("million triples a second of a core", speed, at_least=0.35, under=under)
    share = trained.loop_s / trained.all_s
    yield Figure("share of the compiled loop in training", share, at_least=0.9, under=under)
    memory = trained.peak / trained.tables
    yield Figure("peak memory over the tables' size", memory, at_most=2.2, under=under)


def _train(n_users: int, n_items: int, triples: int, config: TrainConfig) -> _Trained:
    baskets = random_baskets(n_users, n_items)
    loop, seconds = nce.run, []

    def timed(*arguments: Any) -> float:
        began = thread_time()
        loss: float = loop(*arguments)
        seconds.append(thread_time() - began)
        return loss

    began = process_time()
    with patch.object(nce, "run", timed):
        embeddings = triple2vec.train(baskets, n_items, n_users, config, triples)
    taken = process_time() - began
    tables = sum(table.nbytes for table in vars(embeddings).values()) / 1e6
    return _Trained(taken, sum(seconds), tables, peak_memory(os.getpid()))
