"""Watching: files are looked at every second, and a disk that hangs does not go unnoticed."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event

from service.support.apart import apart
from service.support.failures import log_failure

_logger = logging.getLogger(__name__)

_EVERY_S = 1.0
_PATIENCE_S = 30.0


class Watch:
    """Looks at something at once and then every second, in threads that nobody waits for."""

    def __init__(
        self, name: str, look: Callable[[], object], observe: Callable[[str], None]
    ) -> None:
        """Starts to look.

        Args:
            name: of what is looked at.
            look: looks, and does what is to be done.
            observe: called with the name after each look.
        """
        self._name = name
        self._look = look
        self._observe = observe
        self._over = Event()
        self._looked = Event()
        apart(self._run)

    @property
    def looked(self) -> bool:
        """Whether it has looked at least once."""
        return self._looked.is_set()

    def stop(self) -> None:
        """Look no more; a look that is under way is left alone."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():
            self._finish(apart(self._look))
            self._observe(self._name)
            self._looked.set()
            self._over.wait(_EVERY_S)

    def _finish(self, look: Future[object]) -> None:
        if not wait([look], _PATIENCE_S).done:
            _logger.error("no look at %s for %d s; its disk may hang", self._name, _PATIENCE_S)
            wait([look])
            _logger.info("the look at %s ended", self._name)
        log_failure(f"looking at {self._name}", look)  # the next look may succeed
