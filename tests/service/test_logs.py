"""Log lines are JSON."""

import json
import logging
import sys
from typing import Any

from service.logs import JsonFormatter, request_id


def line(message: str, *arguments: Any, **extra: Any) -> dict[str, Any]:
    """Return the formatted record, read back."""
    record = logging.LogRecord("a.b", logging.WARNING, "", 0, message, arguments, None)
    record.__dict__.update(extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    document: dict[str, Any] = json.loads(text)
    return document


def test_a_record_is_one_object_and_its_extras_are_fields() -> None:
    found = line("%s\nbaskets", "two", status=200)
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "warning", "logger": "a.b", "message": "two\nbaskets", "status": 200}


def test_the_request_being_answered_is_named() -> None:
    token = request_id.set("r1")
    try:
        assert line("x")["request_id"] == "r1"
    finally:
        request_id.reset(token)


def test_what_json_does_not_know_is_spelt_out() -> None:
    assert line("x", where=complex(1, 2))["where"] == "(1+2j)"


def test_an_exception_comes_with_its_traceback() -> None:
    try:
        raise ValueError("cat")
    except ValueError:
        found = line("x", exc_info=sys.exc_info())
    assert "ValueError: cat" in found["traceback"]
