"""Faults applied on purpose to a service under load: `python -m chaos`."""
