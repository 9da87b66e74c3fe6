"""Which bundle answers, and how another one replaces it."""
