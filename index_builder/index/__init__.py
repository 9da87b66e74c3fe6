"""The inner-product index: its parameters, its recall, and the lists of closest items."""
