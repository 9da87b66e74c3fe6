"""Scoring: from the candidates of a request to their order."""
