"""Logs: one JSON object per line, with the id of the request that it belongs to."""

import logging
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from secrets import token_bytes
from traceback import format_tb
from typing import Any

import orjson

from service.settings import LogUsers
from service.telemetry.log_lines import LineHandler, RequestRecord

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request being answered; None outside of one."""

trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)
"""The id of the request's trace; None without traces."""

QUIET = ("/health", "/metrics")
"""Prefixes of the routes for probes and scrapes, which come every few seconds."""

# Attributes of every record; all others come from `extra`. Uvicorn adds `color_message`.
_COMMON = logging.makeLogRecord({}).__dict__.keys() | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """Formats a record as a line of JSON, in which each `extra` is a field of its own.

    The extra `user_id` is shown as `users` says, by default not at all. Hashes need the secret
    `key`: there are so few ids that plain hashes could be undone by trying all of them.

    Unless ids are shown as they are, tracebacks leave out the messages of errors that quote a
    value, such as KeyError, since the value may be a user's id.
    """

    def __init__(self, users: LogUsers = "off", key: bytes = b"") -> None:
        super().__init__()
        self._users = users
        self._key = key

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a newline."""
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            line["request_id"] = current
        if traced := trace_id.get():
            line["trace_id"] = traced
        if isinstance(record, RequestRecord):
            line |= record.facts
        else:
            line |= {key: value for key, value in record.__dict__.items() if key not in _COMMON}
        if "user_id" in line:
            line |= self._shown(line.pop("user_id"))
        if record.exc_info and (error := record.exc_info[1]) is not None:
            line["traceback"] = "".join(self._traceback(error)).rstrip()
        return orjson.dumps(line, default=str).decode()

    def _traceback(self, error: BaseException) -> Iterator[str]:
        """Yield what `traceback.format_exception` does, with fewer messages."""
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is not None:
            yield from self._traceback(cause)
            yield "\nThen:\n\n"
        yield from format_tb(error.__traceback__)
        quotes = self._users != "plain" and isinstance(error, LookupError | ValueError)
        yield f"{type(error).__name__}{'' if quotes else f': {error}'}\n"
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from self._traceback(each)

    def _shown(self, user_id: str | None) -> dict[str, str]:
        if user_id is None or self._users == "off":
            return {}
        if self._users == "hashed":
            user_id = blake2b(user_id.encode(), key=self._key, digest_size=8).hexdigest()
        return {"user_id": user_id}


def _time(moment: float) -> str:
    """A moment in UTC, to the millisecond."""
    second, millisecond = divmod(round(moment * 1e6) // 1000, 1000)
    return f"{_second(second)}.{millisecond:03}+00:00"


@lru_cache(maxsize=1)  # hundreds of lines are written in the same second
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def logging_config(level: str, users: LogUsers = "off") -> dict[str, Any]:
    """Return the `logging.config` dictionary: all records from `level` up go to stderr, as JSON.

    All workers get the same key for hashed user ids; it changes when the service is restarted.
    """
    formatter = {"()": JsonFormatter, "users": users, "key": token_bytes(16)}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"stderr": {"()": LineHandler, "formatter": "json"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        # It names the builds of FAISS that the processor does not suit, as errors with tracebacks.
        "loggers": {"faiss.loader": {"level": "WARNING"}},
    }
