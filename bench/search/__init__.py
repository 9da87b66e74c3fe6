"""The search for items: recall against time, as catalogue and baskets grow."""
