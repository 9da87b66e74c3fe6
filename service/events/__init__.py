"""Purchases as events: stored at once, used by the next request and by the next build."""

from typing import TYPE_CHECKING

from service.events.errors import EventsError, JournalError
from service.events.observer import Observer
from service.settings import Settings

if TYPE_CHECKING:
    from service.events.stream import PurchaseStream

__all__ = ["open_stream"]


def open_stream(settings: Settings, observer: Observer | None = None) -> "PurchaseStream | None":
    """Open the purchase stream; None if the settings switch it off, and its modules stay unloaded.

    Raises:
        EventsError: the directory for events cannot be used.
    """
    if settings.events is None:
        return None
    from service.events.stream import PurchaseStream

    try:
        return PurchaseStream(settings.events, settings, observer)
    except (JournalError, OSError) as error:
        expected = "expected a directory to keep events in"
        raise EventsError(f"{settings.events}: {expected}, found: {error}") from error
