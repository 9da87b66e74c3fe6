"""What hinders the consumption of a topic."""

import logging

from service.events.observer import Observer

_logger = logging.getLogger(__name__)


class Hindrances:
    """What hinders each part (brokers, share, journal); logs and reports when that changes."""

    def __init__(self, topic: str, observer: Observer, problems: dict[str, str]) -> None:
        """Reports that nothing is consumed yet.

        Args:
            topic: what is consumed.
            observer: is told whether it can be.
            problems: that are known from the start, by part.
        """
        self._topic = topic
        self._observer = observer
        self._problems = problems
        observer.consuming(topic, False)

    def found(self, part: str, problem: str) -> None:
        """Note what hinders a part, "" for nothing."""
        if bool(problem) == bool(self._problems.get(part)):
            return
        could = not any(self._problems.values())
        self._problems[part] = problem
        can = not any(self._problems.values())
        if problem:
            _logger.warning("not consuming %s: %s", self._topic, problem)
        elif can:
            _logger.info("consuming %s", self._topic)
        if can != could:
            self._observer.consuming(self._topic, can)
