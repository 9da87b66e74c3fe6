"""The links in a directory of bundles, which outlast the service.

`current` is the bundle that the service follows, `previous` the one that answered before it.
"""

import logging
from pathlib import Path

from service.bundle.publishing import CURRENT, PREVIOUS, point_current_at, remember_previous
from service.serving.decisions import Decision, sight
from service.serving.errors import SwapError

_logger = logging.getLogger(__name__)


class Links:
    """Follows the links and moves them."""

    def __init__(self, bundles: Path) -> None:
        """Takes the directory, which may be that of a bundle: then there are no links."""
        self._bundles = bundles

    def current(self) -> Path:
        """Return the bundle that `current` points at.

        Raises:
            SwapError: there is no link to follow.
        """
        link = self._bundles / CURRENT
        try:
            return link.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a cycle
            raise SwapError(f"{link} cannot be followed: {reason_of(error)}.") from error

    def point_current_at(self, directory: Path) -> None:
        """Make `current` anew: every worker that sees it looks again.

        Raises:
            SwapError: the link cannot be moved.
        """
        try:
            point_current_at(self._bundles, directory)
        except OSError as error:
            link = self._bundles / CURRENT
            message = f"{link} cannot be moved to {directory}: {reason_of(error)}."
            raise SwapError(message) from error

    def previous(self, bundle: Path) -> Path | None:
        """Return the bundle that answered before another one; None if it is not known."""
        try:
            previous = (self._bundles / PREVIOUS).resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        return previous if previous != bundle else None

    def remember(self, decision: Decision) -> None:
        """Leave on the disk which bundle to go back to from `current`, for the next start."""
        target = sight(self._bundles).target
        back = decision.previous if decision.refused is None else decision.accepted
        if target is None or back is None:
            return
        try:
            remember_previous(self._bundles, target, back)
        except (OSError, RuntimeError) as error:
            _logger.info("the previous bundle is not remembered: %s", reason_of(error))


def reason_of(error: Exception) -> str:
    """Return what an error of the system says, without its number and its file."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
