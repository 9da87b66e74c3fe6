"""Transactions and products: read, checked, and encoded as arrays of indices."""
