"""The last accepted content of each file, for those who cannot use the newest one.

Workers of one service share a directory: a worker that starts while a file is broken begins with
what the others have in force, and all of them end with the same content.
"""

import logging
from collections.abc import Hashable
from pathlib import Path

from service.support.files import signature, write_whole

_logger = logging.getLogger(__name__)


class AcceptedFiles:
    """Contents by the name of their file: in memory, or in a directory that workers share."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._kept: dict[str, bytes] = {}

    def keep(self, name: str, content: bytes) -> None:
        """Keep a content, which was accepted, instead of the one before it."""
        if self._directory is None:
            self._kept[name] = content
        elif self.get(name) != content:
            try:
                write_whole(self._directory / name, content)
            except OSError as error:  # of no consequence but for workers that start later
                _logger.error("%s was accepted, but not kept for new workers: %s", name, error)

    def get(self, name: str) -> bytes | None:
        """Return the content that was kept last; None if there is none."""
        if self._directory is None:
            return self._kept.get(name)
        try:
            return (self._directory / name).read_bytes()
        except OSError:
            return None

    def version(self, name: str) -> Hashable:
        """Return a value that changes with the content; None if there is none."""
        if self._directory is None:
            return self._kept.get(name)
        try:
            return signature(self._directory / name)
        except OSError:
            return None
