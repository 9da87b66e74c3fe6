"""The settings, and whether their page in docs/ has them all."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.cli.arguments import read_settings, unknown_variables
from service.settings import Settings
from service.support.validity import ID_CHARS

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


@pytest.mark.parametrize(
    ("name", "nothing"),
    [
        *((name, "") for name in Settings.model_fields),
        *((name, " ") for name in Settings.model_fields if name != "kafka_options"),  # not JSON
    ],
)
def test_an_empty_variable_is_unset(
    monkeypatch: pytest.MonkeyPatch, name: str, nothing: str
) -> None:
    monkeypatch.setenv(f"RTT2VEC_{name.upper()}", nothing)
    assert Settings() == Settings.model_construct()


def test_an_empty_flag_is_unset_and_does_not_hide_others() -> None:
    settings = read_settings(["--events=", "--rules", "", "--port=", "--k-limit=7"])
    assert settings == Settings(k_limit=7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kafka_options", "{bad"),
        ("kafka_options", "  "),
        ("kafka_options", "[1]"),
        ("kafka_options", '{"a": {"b": 1}}'),
        ("k_limit", "many"),
        ("ranker", "perhaps"),
        ("log_level", "loud"),
        ("memcached", "here"),
        ("admin_key", "short"),
    ],
)
def test_a_complaint_names_the_variable_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    variable = f"RTT2VEC_{name.upper()}"
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        read_settings([])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"({variable}): expected " in line


def test_a_variable_that_is_no_setting_is_told_with_the_one_that_was_meant() -> None:
    given = ["RTT2VEC_K_LIMT", "rtt2vec_port", "PORT", "RTT2VEC_HOST", "RTT2VEC_COLOUR_OF_SKY"]
    assert list(unknown_variables(given)) == [
        "RTT2VEC_COLOUR_OF_SKY is ignored: there is no such setting.",
        "RTT2VEC_K_LIMT is ignored: there is no such setting; did you mean RTT2VEC_K_LIMIT?",
    ]


def test_the_limit_of_ids_is_the_builders() -> None:
    assert Settings().id_limit_chars == ID_CHARS
