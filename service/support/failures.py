"""What ends a task beside the requests: it is told, since nobody waits for its result."""

import asyncio
import logging
from concurrent.futures import Future
from typing import Any

__all__ = ["log_failure"]

_logger = logging.getLogger(__name__)


def log_failure(what: str, ended: asyncio.Future[Any] | Future[Any]) -> bool:
    """Log, with its traceback, the exception that ended something; returns whether one did.

    With the first argument given it is a callback of tasks and futures.
    """
    if ended.cancelled() or (error := ended.exception()) is None:
        return False
    _logger.error("%s failed", what, exc_info=error)
    return True
