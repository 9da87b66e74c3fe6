"""How any way to rank is judged, and the simplest ones to beat."""
