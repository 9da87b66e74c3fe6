"""Transactions as arrays of indices."""
