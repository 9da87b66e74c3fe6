"""Lengths of time in seconds, the unit of every stored moment."""

__all__ = ["DAY_S"]

DAY_S = 86_400
