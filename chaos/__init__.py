"""Faults on purpose: what a service under load makes of them. `python -m chaos` runs them all."""
