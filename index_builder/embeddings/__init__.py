"""Training of the vectors item_p, item_q and user_h."""
