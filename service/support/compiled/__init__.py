"""Compiled functions, and where their code is kept."""
