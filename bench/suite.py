"""The benches by name: modules with a function `run`."""

from importlib import import_module
from pathlib import Path

from bench.figures import Figure
from bench.processes import CORES, process_on

__all__ = ["BENCHES", "measure"]

BENCHES = {
    "serving": "bench.serving.throughput",
    "beside": "bench.beside.services",
    "stages": "bench.serving.stages",
    "memory": "bench.serving.memory",
    "workers": "bench.serving.workers",
    "retrieval": "bench.search.retrieval",
    "growth": "bench.search.growth",
    "builder": "bench.builder",
}


def measure(name: str, bundle: Path, requests: Path, out: Path, smoke: bool) -> list[Figure]:
    """Run a bench in an interpreter of its own, on all cores.

    So it does not inherit memory, threads or cores of the bench before it.

    Args:
        name: of the bench.
        bundle: a bundle, or a directory of bundles.
        requests: file of bodies of POST /recommend, one per line.
        out: directory for pictures.
        smoke: whether to run as briefly as possible, only to check that it works.
    """
    with process_on(set(CORES)) as process:
        return process.submit(_run, name, bundle, requests, out, smoke).result()


def _run(name: str, bundle: Path, requests: Path, out: Path, smoke: bool) -> list[Figure]:
    figures: list[Figure] = import_module(BENCHES[name]).run(bundle, requests, out, smoke)
    return figures
