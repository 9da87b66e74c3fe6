"""Lengths of time in seconds, the unit of every stored moment."""

DAY_S = 86_400
