"""Engines: they join and group lines; each reads the same statements of SQL."""

from index_builder.transactions.encoding.engines.engine import (
    Catalogue,
    Engine,
    EngineName,
    engine_of,
)

__all__ = ["Catalogue", "Engine", "EngineName", "engine_of"]
