"""Latency while a service changes from one bundle to the next, again and again."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

import httpx

from bench.figures import Figure
from bench.processes import CORES
from bench.serving.load import Generator
from bench.serving.running import SERVE, running
from service.bundle.bundle import load_bundle
from service.bundle.manifest import MANIFEST, Manifest
from service.bundle.publishing import CURRENT, point_current_at

__all__ = ["built_again", "during_swaps"]

CONNECTIONS = 32
_BUNDLES = 3  # two stay in memory, so that each has left it when its turn comes again


def during_swaps(
    bundle: Path, load: Generator, rate: float, seconds: float, limit_ms: float | None
) -> Iterator[Figure]:
    """Yields the latencies at a constant rate while one swap follows the other.

    Args:
        bundle: a bundle, or a directory of bundles; copies of it are served.
        load: sends the requests.
        rate: requests per second.
        seconds: length of the load.
        limit_ms: of the 99th percentile.
    """
    source = load_bundle(bundle).path
    with TemporaryDirectory() as folder:
        out = Path(folder)
        copies = [built_again(source, out, number) for number in range(_BUNDLES)]
        (out / CURRENT).symlink_to(copies[0].name)
        with running(SERVE, out, {CORES[0]}) as service, ThreadPoolExecutor(1) as thread:
            url, swaps = f"{service.url}/recommend", 0
            load.closed(url, seconds / 10, CONNECTIONS)
            loading = thread.submit(load.open, url, rate, seconds, CONNECTIONS)
            for copy in cycle([*copies[1:], copies[0]]):
                if loading.done():
                    break
                point_current_at(out, copy)
                _await(service.url, copy.name)
                swaps += 1
    found = loading.result().result
    under: dict[str, str | float] = {"requests/s": rate, "seconds": seconds, "swaps": swaps}
    for percent, limit in ((50, None), (99, limit_ms), (99.9, None)):
        name = f"p{percent:g} during swaps"
        yield Figure(name, found.percentile_ms(percent), "ms", at_most=limit, under=under)
    yield Figure("failures during swaps", found.failures, at_most=0, under=under)


def built_again(bundle: Path, out: Path, number: int) -> Path:
    """Copy a bundle under another id, as if it had been built again with the same result."""
    manifest = Manifest.read(bundle / MANIFEST)
    build = {**manifest.build, "built_again": number}
    signed = manifest.model_copy(update={"build": build}).signed()
    copy = out / signed.bundle_id
    shutil.copytree(bundle, copy)
    (copy / MANIFEST).write_bytes(signed.encode())
    return copy


def _await(url: str, bundle_id: str) -> None:
    while httpx.get(f"{url}/health", timeout=60).json()["bundle_id"] != bundle_id:
        sleep(0.05)
