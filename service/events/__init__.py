"""Purchases as events: stored at once, used by the next request and by the next build."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from service.events.errors import EventsError
from service.settings import Settings

if TYPE_CHECKING:
    from service.events.stream import PurchaseStream

__all__ = ["open_stream"]


def open_stream(
    settings: Settings,
    observe: Callable[[int, int, int], None] = lambda _new, _known, _refused: None,
    observe_consuming: Callable[[str, bool], None] = lambda _topic, _consuming: None,
) -> "PurchaseStream | None":
    """Open the purchase stream; None if the settings switch it off, and its modules stay unloaded.

    Raises:
        EventsError: the directory for events cannot be used.
    """
    if settings.events is None:
        return None
    from service.events.journal import JournalError
    from service.events.stream import PurchaseStream

    try:
        return PurchaseStream(settings.events, settings, observe, observe_consuming)
    except (JournalError, OSError) as error:
        expected = "expected a directory to keep events in"
        raise EventsError(f"{settings.events}: {expected}, found: {error}") from error
