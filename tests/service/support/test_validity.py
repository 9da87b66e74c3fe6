"""What is valid: spaces, moments and quantities; the builder's tests hold it to the same values."""

import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.settings import Settings
from service.support.validity import (
    EARLIEST,
    ID_CHARS,
    SPACES,
    is_cancellation,
    latest,
    tidied,
)


def test_every_printable_space_of_unicode_is_one() -> None:
    controls = {"\x1c", "\x1d", "\x1e", "\x1f"}  # for Python alone
    spaces = {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()} - controls
    invisible = {"\u200b", "\u2060", "\ufeff"}
    assert set(SPACES) == spaces | invisible


@given(text=st.text(st.sampled_from([*SPACES, "a", "b", "\x1f"])))
def test_polars_tidies_as_the_service_does(text: str) -> None:
    assert pl.Series([text]).str.strip_chars(SPACES).item() == tidied(text)


def test_a_space_within_an_id_belongs_to_it() -> None:
    assert tidied("\ufeff  hot\u00a0dogs \n") == "hot\u00a0dogs"


def test_moments_reach_from_1970_to_a_day_from_now() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert EARLIEST.timestamp() == 0
    assert latest(now) - now == timedelta(days=1)


@pytest.mark.parametrize(
    ("quantity", "expected"), [(None, False), (0.5, False), (0.0, True), (-0.0, True), (-1, True)]
)
def test_a_line_of_nothing_or_less_is_a_cancellation(
    quantity: float | None, expected: bool
) -> None:
    assert is_cancellation(quantity) is expected


def test_a_request_may_name_every_id_that_a_build_accepts() -> None:
    assert Settings.model_fields["id_limit_chars"].default == ID_CHARS
