"""Business rules over the catalogue: how a plan chooses and orders a list."""
