"""Watching: files are looked at every second, and a disk that hangs does not go unnoticed."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event

from service.support.apart import apart
from service.support.failures import log_failure

_logger = logging.getLogger(__name__)

_EVERY_S = 1.0


class Watch:
    """Looks at something at once and then every second, in threads that nobody waits for."""

    def __init__(
        self,
        name: str,
        look: Callable[[], object],
        observe: Callable[[str], None],
        patience_s: float = 30,
    ) -> None:
        """Starts to look.

        Args:
            name: of what is looked at.
            look: looks, and does what is to be done.
            observe: called with the name after each look that did not fail.
            patience_s: seconds until a look that does not end is logged.
        """
        self._patience_s = patience_s
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
            look = apart(self._look)
            self._await(look)
            if look.exception() is None:
                self._observe(self._name)
            log_failure(f"looking at {self._name}", look)  # the next look may succeed
            self._looked.set()
            self._over.wait(_EVERY_S)

    def _await(self, look: Future[object]) -> None:
        if not wait([look], self._patience_s).done:
            took = f"takes more than {self._patience_s:g} s"
            _logger.error("looking at %s %s: its disk may hang", self._name, took)
            wait([look])
            _logger.warning("looking at %s has ended", self._name)
