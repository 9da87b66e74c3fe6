"""Public data sets, brought to the builder's own schema."""
