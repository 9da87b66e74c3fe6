"""The inner-product index: its parameters and its recall."""
