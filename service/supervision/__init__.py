"""The processes of a service: how they start and end, and what becomes of those that fail."""
