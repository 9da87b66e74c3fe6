"""Failures of tasks that run beside the requests, whose results are not waited for."""

import asyncio
import logging
from concurrent.futures import Future
from typing import Any

_logger = logging.getLogger(__name__)


def log_failure(task: str, ended: asyncio.Future[Any] | Future[Any]) -> None:
    """Log, with its traceback, the exception that ended a task, if one did.

    `partial(log_failure, task)` is a callback of tasks and futures.
    """
    if not ended.cancelled() and (error := ended.exception()) is not None:
        _logger.error("%s failed", task, exc_info=error)
