"""Reading YAML: text and lines, and what is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.business_rules._yaml import read_yaml
from service.business_rules.errors import RulesError


def test_every_scalar_is_text_as_it_was_written() -> None:
    read = read_yaml("a: 007\nb: no\nc: 1.50\nd: 12:30\ne: null\nf: 'x y'\ng:\n", "f")
    assert read.tree == {
        "a": "007",
        "b": "no",
        "c": "1.50",
        "d": "12:30",
        "e": "null",
        "f": "x y",
        "g": "",
    }


def test_keys_and_items_know_their_lines() -> None:
    read = read_yaml("rules:\n\n- name: a\n  item: [x,\n    y]\n- name: b\n", "f")
    assert read.line(("rules",)) == 1
    assert read.line(("rules", 0)) == read.line(("rules", 0, "name")) == 3
    assert [read.line(("rules", 0, "item", place)) for place in (0, 1)] == [4, 5]
    assert read.line(("rules", 1)) == 6


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    read = read_yaml("x: 1\nrules:\n- name: a\n- name: b\n", "f")
    assert read.line(("rules", 1, "boost", "factor")) == 4
    assert read.line(("elsewhere",)) == read.line(()) == 1


REFUSED = {
    "": "f, line 1: the file is empty",
    "# nothing but a comment\n": "f, line 1: the file is empty",
    "a: [1,\nb": "f, line 2: not YAML",
    "a: 1\n b: 2": "f, line 2: not YAML",
    "a: 1\nb: 2\na: 3": "f, line 3: 'a' is given twice",
    "a: &x 1": "f, line 1: anchors, aliases and tags",
    "a: 1\nb: *x": "f, line 2: ",
    "\na: !!python/name:os.system x": "f, line 2: anchors, aliases and tags",
    "a: 1\n---\nb: 2": "f, line 2: a second document",
    "? [a]\n: 1": "f, line 1: expected a name",
    "[" * 100: "f, line 1: nested more than",
    "a: \0": "f: not YAML: ",
    "a: \ud800": "f: not YAML: ",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_a_rules_file_does_not_need_is_refused(text: str, message: str) -> None:
    with pytest.raises(RulesError) as caught:
        read_yaml(text, "f")
    assert str(caught.value).startswith(message)


def test_a_bomb_of_aliases_is_refused_before_it_bursts() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}]\n"
        for before, name in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)
    )
    with pytest.raises(RulesError, match="line 1: anchors"):
        read_yaml(bomb, "f")


@given(st.text() | st.text("[]{}-:,\n abc'\"#&*!|>%@`?0", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(RulesError):
        assert read_yaml(text, "f").line(()) >= 1
