"""Association rules."""
