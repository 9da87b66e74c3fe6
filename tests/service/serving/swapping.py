"""A worker whose bundle is swapped."""

from pathlib import Path
from typing import Any

from service.app import create_app
from service.serving.serving import Serving
from service.serving.swap import Swap
from service.settings import Settings


def ready(out: Path, shared: Path | None = None, **settings: Any) -> tuple[Serving, Swap]:
    """What a worker answers from, and what swaps it."""
    state = create_app(Settings(bundle=out, **settings), shared=shared).state
    state.swap.start()
    return state.serving, state.swap
