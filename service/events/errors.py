"""Errors of the purchase stream."""


class EventsError(Exception):
    """The settings name a place where events cannot be stored, or not be consumed."""
