"""Serving millions of users: memory of one more worker, and the time until one is ready.

A worker that starts first on a machine reads the whole bundle; later ones find its stamp.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import orjson

from bench.figures import Figure
from bench.processes import CORES
from bench.scale.large_bundle import write_large_bundle
from bench.serving.load import generator
from bench.serving.memory import Held
from bench.serving.running import NOT_IN_THE_IMAGE, SERVE, Running, running
from service.bundle.bundle import Bundle, load_bundle

__all__ = ["measure_serving"]

CONNECTIONS = 8
_REQUESTS = 2000


def measure_serving(bundle: Path, scratch: Path, n_users: int, n_items: int) -> list[Figure]:
    """Makes a large bundle around another one, measures, and deletes it.

    Args:
        bundle: a bundle, or a directory of bundles.
        scratch: a directory with room for it: 6 GB for 3.5 million users and 90,000 items.
        n_users: number of users.
        n_items: number of items.
    """
    with TemporaryDirectory(dir=scratch) as folder:
        out = Path(folder, "bundles")
        os.environ["XDG_CACHE_HOME"] = folder  # where no stamp is yet
        large = write_large_bundle(out, load_bundle(bundle), n_users, n_items)
        return list(_figures(large, 5.0))


def _figures(large: Path, seconds: float) -> Iterator[Figure]:
    size = sum(file.stat().st_size for file in large.iterdir()) / 1e9
    under: dict[str, str | float] = {"bundle": f"{size:.1f} GB"}
    with _running(large) as service:
        yield Figure(
            "the first worker of a machine is ready after", service.ready_s, "s", under=under
        )
    bodies = _bodies(load_bundle(large))
    held: dict[int, Held] = {}
    failures = 0
    for workers in (1, 2, 3):
        with generator(bodies, {CORES[-1]}) as load, _running(large, workers) as service:
            url = f"{service.url}/recommend"
            failures += load.closed(url, seconds, CONNECTIONS).result.failures
            held[workers] = Held.by(service)
            if workers == 1:
                yield Figure("a later one", service.ready_s, "s", at_most=10, under=under)
    added = held[3].in_all - held[2].in_all
    yield Figure("one more worker adds", added, "MB", at_most=110, under=under)
    private = max(each.private for each in held[2].workers)
    yield Figure("private memory of a worker", private, "MB", under=under)
    yield Figure("failures", failures, at_most=0, under=under)


def _running(large: Path, workers: int = 1) -> AbstractContextManager[Running]:
    return running(SERVE, large, set(CORES[:workers]), workers, without=NOT_IN_THE_IMAGE)


def _bodies(bundle: Bundle) -> list[bytes]:
    """Requests of random users, each with a part of the own history as the basket."""
    random = np.random.default_rng(1)
    bodies = []
    for user in random.integers(len(bundle.user_ids), size=_REQUESTS):
        items = bundle.history_item[slice(*bundle.history_indptr[user : user + 2])][:10]
        basket = [bundle.catalogue.item_ids[item] for item in items]
        bodies.append(orjson.dumps({"user_id": bundle.user_ids[int(user)], "basket": basket}))
    return bodies
