"""Errors of the purchase stream."""

import errno
import sqlite3
from typing import Literal

JournalError = sqlite3.Error
"""The journal cannot be read or written: locked for too long, the disk full or broken."""

Cause = Literal["full", "locked", "clock", "failed"]
"""Why a batch was not kept; `clock`: it is from the future as a whole."""


class EventsError(Exception):
    """The settings name a place where events cannot be stored, or not be consumed."""


class ClockError(Exception):
    """Every event of a batch is from the future, so that the clock of this machine may be wrong."""


def cause_of(error: ClockError | JournalError | OSError) -> Cause:
    """Return why a batch was not kept, by the error that was raised."""
    if isinstance(error, ClockError):
        return "clock"
    if isinstance(error, OSError):
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return "locked" if isinstance(error, TimeoutError) else "full" if is_full else "failed"
    code = getattr(error, "sqlite_errorcode", 0)
    names: dict[int, Cause] = {sqlite3.SQLITE_BUSY: "locked", sqlite3.SQLITE_FULL: "full"}
    return names.get(code & 0xFF, "failed")
