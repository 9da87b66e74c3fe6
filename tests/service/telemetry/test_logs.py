"""Log lines are JSON."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.settings import LogUsers
from service.telemetry.logs import JsonFormatter, logging_config, request_id
from tests.service.conftest import Served


def line(
    message: str, *arguments: Any, formatter: JsonFormatter | None = None, **extra: Any
) -> dict[str, Any]:
    """Return the formatted record, read back."""
    record = logging.LogRecord("a.b", logging.WARNING, "", 0, message, arguments, None)
    record.__dict__.update(extra)
    text = (formatter or JsonFormatter()).format(record)
    assert "\n" not in text
    document: dict[str, Any] = json.loads(text)
    return document


def test_a_record_is_one_object_and_its_extras_are_fields() -> None:
    found = line("%s\nbaskets", "two", status=200)
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "warning", "logger": "a.b", "message": "two\nbaskets", "status": 200}


@given(st.lists(st.integers(0, 4_000_000_000_999), min_size=1))
def test_the_time_of_a_line_is_in_utc_to_the_millisecond(moments_ms: list[int]) -> None:
    for each in [*moments_ms, moments_ms[0], moments_ms[0] + 1]:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=each)
        assert line("x", created=each / 1000)["time"] == moment.isoformat(timespec="milliseconds")


def test_a_line_has_the_id_of_the_request() -> None:
    token = request_id.set("r1")
    try:
        assert line("x")["request_id"] == "r1"
    finally:
        request_id.reset(token)


def test_a_value_that_json_lacks_becomes_text() -> None:
    assert line("x", where=complex(1, 2))["where"] == "(1+2j)"


def raised(error: Exception, cause: Exception | None = None) -> Any:
    """The `exc_info` of an error."""
    try:
        raise error from cause
    except type(error):
        return sys.exc_info()


def test_an_exception_comes_with_its_traceback() -> None:
    found = line("x", exc_info=raised(OSError(5, "dog"), KeyError("cat")))["traceback"]
    assert found.startswith("KeyError\n\nThen:\n\n  File")
    assert "in raised" in found
    assert found.endswith("OSError: [Errno 5] dog")
    group = ExceptionGroup("several", [ValueError("cat"), TypeError("dog")])
    found = line("x", exc_info=raised(group))["traceback"]
    assert [each in found for each in ("several", "ValueError", "TypeError: dog")] == [True] * 3
    assert "cat" not in found


def test_errors_show_the_values_they_quote_only_where_users_are_shown() -> None:
    values: list[tuple[LogUsers, bool]] = [("off", False), ("hashed", False), ("plain", True)]
    for users, shown in values:
        for error in (KeyError("user-0"), ValueError("user-0"), IndexError("user-0")):
            found = line("x", formatter=JsonFormatter(users, b"key"), exc_info=raised(error))
            assert ("user-0" in found["traceback"]) is shown


def test_a_user_is_shown_as_the_settings_say() -> None:
    cases: list[tuple[LogUsers, str | None]] = [("off", None), ("plain", "user-0")]
    for users, shown in cases:
        found = line("x", formatter=JsonFormatter(users, b"key"), user_id="user-0")
        assert found.get("user_id") == shown
    assert "user_id" not in line("x", formatter=JsonFormatter("plain"), user_id=None)


def test_hashes_differ_by_user_and_by_key() -> None:
    def hashed(key: bytes, user_id: str) -> Any:
        return line("x", formatter=JsonFormatter("hashed", key), user_id=user_id)["user_id"]

    assert hashed(b"key", "user-0") == hashed(b"key", "user-0")
    different = {hashed(b"key", "user-0"), hashed(b"key", "user-1"), hashed(b"other", "user-0")}
    assert len(different) == 3
    assert "user-0" not in different


def test_every_start_has_another_key() -> None:
    first, second = (logging_config("info", "hashed")["formatters"]["json"] for _ in range(2))
    assert first["users"] == "hashed"
    assert first["key"] != second["key"]


@pytest.mark.parametrize("users", ["off", "hashed", "plain"])
def test_the_service_logs_users_as_its_settings_say(
    serve: Callable[..., Served], users: str
) -> None:
    served = serve("--log-users", users)
    for user in ("user-0", "user-0", None):
        httpx.post(f"{served.url}/recommend", json={"user_id": user})
    served.await_logged("request", 3)
    lines = [json.loads(text) for text in served.log.read_text().splitlines()]
    shown = [each.get("user_id") for each in lines if each["message"] == "request"]
    assert shown[0] == shown[1]
    assert shown[2] is None
    assert (shown[0] is None) == (users == "off")
    assert ("user-0" in served.log.read_text()) == (users == "plain")
