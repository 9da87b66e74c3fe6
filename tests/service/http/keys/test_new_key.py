"""The command `rtt2vec-serve new-key`."""

import re
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.keys.api_keys import ApiKey, read_api_keys
from service.http.keys.new_key import new_key
from tests.service.conftest import COMMAND


def parts(text: str) -> tuple[str, str]:
    """The key and its entry."""
    found = re.search(r"^([\w-]{43})$\n(?:.*\n)*?(\[\[keys\]\]\n(?:.*\n?)*)", text, re.MULTILINE)
    assert found is not None, text
    return found[1], found[2]


def entry(tmp_path: Path, *arguments: str) -> ApiKey:
    """The entry that the command prints, as the service reads it."""
    key, text = parts(new_key(arguments))
    (tmp_path / "keys.toml").write_text(text)
    (read,) = read_api_keys(tmp_path / "keys.toml")
    assert read.sha256 == sha256(key.encode()).hexdigest()
    return read


def test_the_entry_is_one_of_the_key_file(tmp_path: Path) -> None:
    plain = entry(tmp_path)
    assert (plain.name, set(plain.scopes), plain.limit_per_s) == ("shop", {"recommend"}, None)
    asked = ("--name", "till", "--scope", "events", "--scope", "profiles", "--limit", "5")
    made = entry(tmp_path, *asked)
    assert (made.name, set(made.scopes), made.limit_per_s) == ("till", {"events", "profiles"}, 5)


def test_a_key_can_be_made_for_pages(tmp_path: Path) -> None:
    made = entry(tmp_path, "--origin", "https://b.example", "--origin", "https://a.example")
    assert made.origins == frozenset(["https://a.example", "https://b.example"])
    with pytest.raises(SystemExit):
        new_key(["--origin", "everywhere"])


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64))
def test_any_name_can_be_read_again(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    assert entry(tmp_path_factory.mktemp("keys"), f"--name={name}").name == name


def test_no_two_keys_are_the_same() -> None:
    assert len({parts(new_key([]))[0] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--name", ""], "name: expected at least 1 character"),
        (["--name", "\udcff"], "name: expected characters that UTF-8 can hold"),
        (["--limit", "0"], "limit_per_s: expected 1 or more"),
        (["--limit", "many"], "argument --limit: invalid int value: 'many'"),
        (["--scope", "everything"], "--scope"),
        (["--colour", "red"], "--colour"),
    ],
)
def test_invalid_arguments_are_named(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        new_key(arguments)
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err


def test_it_is_a_command() -> None:
    done = subprocess.run(
        [COMMAND, "new-key", "--name", "till"], capture_output=True, text=True, check=True
    )
    assert 'name = "till"' in parts(done.stdout)[1]
