"""Measurements of a running service, from outside of it."""
