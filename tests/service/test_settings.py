"""The settings, and whether their page in docs/ has them all."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_documents_every_setting_and_no_other() -> None:
    documented = re.findall(r"^\| *`(RTT2VEC_\w+)`", PAGE.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(f"RTT2VEC_{name.upper()}" for name in Settings.model_fields)


def test_the_page_gives_the_defaults() -> None:
    rows = re.findall(r"^\| *`RTT2VEC_(\w+)` *\| *`?(.*?)`? *\|", PAGE.read_text(), re.MULTILINE)
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert {name.lower(): value for name, value in rows} == {
        name: "" if value is None else str(value) for name, value in defaults.items()
    }


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTT2VEC_K_LIMIT", "7")
    assert Settings().k_limit == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "65536"), ("workers", "0"), ("anchor_fraction", "0"), ("mmr_lambda", "1.5")],
)
def test_values_out_of_range_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"RTT2VEC_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        Settings()
