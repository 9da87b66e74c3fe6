"""Types of arrays, and what NumPy lacks."""
