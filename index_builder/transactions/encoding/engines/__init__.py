"""Engines: they join and group lines; each reads the same statements of SQL."""

from index_builder.transactions.encoding.engines.engine import Engine, EngineName, engine_of

__all__ = ["Engine", "EngineName", "engine_of"]
