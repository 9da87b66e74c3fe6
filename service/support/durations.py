"""Lengths of time in seconds, the unit of every stored moment."""

DAY_S = 86_400

MOST_DAYS = 36_500
"""The longest time that may be set in days: a century."""
