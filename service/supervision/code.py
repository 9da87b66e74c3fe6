"""The code that a worker needs, loaded before anything else."""

import gc
from contextlib import suppress
from importlib import import_module

_MODULES = (
    "faiss",
    "service.app",
    "service.recommending.basket_score.scorer",
    "service.serving.example_requests",
    "service.supervision.server",
    "service.supervision.serving_process",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
)


def load_code() -> None:
    """Import what is going to be used, and keep collections of garbage away from it.

    They would take a fifth of the time. They also write to all objects that they visit, and a page
    that is written to is no longer shared with other processes.
    """
    gc.disable()
    for name in _MODULES:
        with suppress(Exception):  # Whoever uses it says why it cannot be imported.
            import_module(name)
    gc.freeze()
    gc.enable()
