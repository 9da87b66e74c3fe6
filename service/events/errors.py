"""Why events are not taken in."""

__all__ = ["EventsError"]


class EventsError(Exception):
    """Events cannot be kept where the settings say, or not be consumed from there."""
