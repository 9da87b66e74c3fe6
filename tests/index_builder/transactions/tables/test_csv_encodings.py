"""Encodings of CSV files: found, given, or refused."""

from pathlib import Path

import pytest

from index_builder.transactions.tables import Format
from tests.index_builder.transactions.tables.csv_tables import HEADER, refusal, rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", ["é", 'é"'])
def test_byte_order_marks_tell_the_encoding(tmp_path: Path, encoding: str, text: str) -> None:
    content = (HEADER + f"u,i,{text},1\n").encode(encoding)
    assert rows(tmp_path, content) == [("u", "i", text, "1")]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "utf-16-be", "cp1250"])
def test_an_encoding_can_be_given(tmp_path: Path, encoding: str) -> None:
    content = (HEADER + 'u,i,"é, 6""",1\n').encode(encoding)
    assert rows(tmp_path, content, Format(encoding=encoding)) == [("u", "i", 'é, 6"', "1")]


def test_bytes_that_are_no_utf_8_name_line_and_option(tmp_path: Path) -> None:
    content = (HEADER + "u,i,t,1\n" * 5000 + "u,i,café œ €,1\n").encode("cp1252")
    message = refusal(tmp_path, content)
    assert "t.csv: line 5002: " in message
    assert "With --encoding cp1252 the line reads: u,i,café œ €,1" in message


def test_bytes_that_even_windows_lacks_are_latin_1(tmp_path: Path) -> None:
    message = refusal(tmp_path, HEADER.encode() + b"u,i,\x81\xe9,1\n")
    assert "--encoding latin-1" in message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_names_the_option(tmp_path: Path, encoding: str) -> None:
    message = refusal(tmp_path, (HEADER + "u,i,t,1\n").encode(encoding))
    assert "line 1: expected text in UTF-8" in message
    assert f"--encoding {encoding}" in message


def test_text_in_another_encoding_than_given_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, (HEADER + "u,i,é,1\n").encode(), Format(encoding="ascii"))
    assert "expected text in ascii" in message
