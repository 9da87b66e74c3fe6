"""Errors of the purchase stream."""

import sqlite3

JournalError = sqlite3.Error
"""The journal cannot be read or written: locked for too long, the disk full or broken."""


class EventsError(Exception):
    """The settings name a place where events cannot be stored, or not be consumed."""


class ClockError(Exception):
    """Every event of a batch is from the future, so that the clock of this machine may be wrong."""
