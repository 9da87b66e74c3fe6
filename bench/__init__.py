"""Benchmarks of speed and memory with their limits: `python -m bench`."""
