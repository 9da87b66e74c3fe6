"""Measures of any ranking function, and the simplest ranking functions."""
