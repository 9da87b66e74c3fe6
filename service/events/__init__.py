"""Purchases as they happen: kept at once, known to the next request, and to tomorrow's build."""
