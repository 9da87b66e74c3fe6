"""Purchases as they happen: kept at once, known to the next request, and to tomorrow's build."""

from typing import TYPE_CHECKING

from service.settings import Settings

if TYPE_CHECKING:
    from service.events.stream import PurchaseStream

__all__ = ["open_stream"]


def open_stream(settings: Settings) -> "PurchaseStream | None":
    """Open the purchase stream; None where it is off, and then nothing of it is loaded.

    Raises:
        JournalError: its files cannot be opened.
        OSError: its directory cannot be made.
    """
    if settings.events is None:
        return None
    from service.events.stream import PurchaseStream

    return PurchaseStream(settings.events, settings)
