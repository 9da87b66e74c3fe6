"""Counted, not learned: histories, past baskets, trends, neighbours, substitutes."""
