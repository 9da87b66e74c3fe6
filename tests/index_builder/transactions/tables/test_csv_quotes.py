"""Quotation marks in CSV files: what they enclose, and where they are data."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.transactions.errors import UnreadableFileError
from index_builder.transactions.tables import Format
from tests.index_builder.transactions.tables.csv_tables import (
    COLUMNS,
    HEADER,
    Rows,
    refusal,
    rows,
)


def test_a_bare_mark_inside_a_field_is_data(tmp_path: Path) -> None:
    text = (
        HEADER + 'u1,i1,PLATE 6",1\nu2,i2,MUG,2\nu3,i3,PLATE 6",3\nu4,i4,5" x 6",4\nu5,i5,a"b"c,5\n'
    )
    found = [row[2] for row in rows(tmp_path, text)]
    assert found == ['PLATE 6"', "MUG", 'PLATE 6"', '5" x 6"', 'a"b"c']


def test_an_odd_number_of_bare_marks_is_data_too(tmp_path: Path) -> None:
    assert len(rows(tmp_path, HEADER + 'u1,i1,6",1\nu2,i2,MUG,2\n')) == 2


def test_marks_around_a_field_enclose_separators_lines_and_doubled_marks(tmp_path: Path) -> None:
    text = HEADER + 'u1,i1,"6"" plate, white\nor\r\ngrey",1\n"u2",i2,"",2\n'
    assert rows(tmp_path, text) == [
        ("u1", "i1", '6" plate, white\nor\r\ngrey', "1"),
        ("u2", "i2", None, "2"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('u,i,"6" plate,1\n', 2, "a stray quotation mark"),
        ('u,i,t,1\nu,i,"6 plate,1\nu,i,t,1\n', 3, "never closed"),
        ('u,i,t,1\n\nu,i,"6 plate,1\nu,i,"7 plate,1\n', 4, "a stray quotation mark (up to line 5)"),
        ('u,i,"6\\" plate",1\n', 2, "a stray quotation mark"),
        ('u,i,"6\\"",1\nu,i,"t",1\n', 2, "a stray quotation mark"),
        ('u1,i1,"6 plate,1\nu2,i2,mug,2\nu3,i3,plate 6",3\n', 2, "encloses whole rows"),
        ('u1,i1,"6 plate,1\nu2,i2,plate 6",2\n', 2, "encloses whole rows, up to line 3"),
        ('"u1,i1,t,1\nu2,i2,t,2\nu3",i3,t,3\n', 2, "encloses whole rows"),
        ("u,i,t,1\nu,i,t\n", 3, "expected 4 fields, as in the first line, found 3"),
        ("u,i,t,1\nu,i,t,1,5\n", 3, "expected 4 fields, as in the first line, found 5"),
        ('u,i,"t",1\nu,i,t,1,5\n', 3, "expected 4 fields, as in the first line, found 5"),
        ("u,i,t,1\n   \n", 3, "expected 4 fields, as in the first line, found 1"),
    ],
)
def test_a_doubtful_record_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, problem: str
) -> None:
    message = refusal(tmp_path, HEADER + text)
    assert f"t.csv: line {line}: " in message
    assert problem in message
    assert "Found: " in message


def test_text_of_several_lines_with_separators_is_no_row(tmp_path: Path) -> None:
    text = HEADER + 'u1,i1,"red, blue\ngreen, grey",1\nu2,i2,"one\ntwo, three, four\nfive",2\n'
    assert len(rows(tmp_path, text)) == 2


def test_mysql_writes_a_backslash_before_a_mark(tmp_path: Path) -> None:
    text = HEADER + '"u1","i1","6\\" plate",1\n"u2","i2","back\\\\",2\n\\N,"i3",\\N,3\n'
    assert rows(tmp_path, text, Format(escape="\\")) == [
        ("u1", "i1", '6" plate', "1"),
        ("u2", "i2", "back\\", "2"),
        (None, "i3", None, "3"),
    ]


def test_without_an_escape_the_refusal_names_it(tmp_path: Path) -> None:
    assert "--escape '\\'" in refusal(tmp_path, HEADER + '"u1","i1","6\\" plate",1\n')


def test_without_quotes_all_marks_are_data(tmp_path: Path) -> None:
    text = HEADER + 'u1,i1,"Deluxe" mug,1\nu2,i2,"open,2\n'
    found = [row[2] for row in rows(tmp_path, text, Format(quotes=False))]
    assert found == ['"Deluxe" mug', '"open']


TEXT = st.text(st.sampled_from('ab1 ,;"\n\r\t|é\\')) | st.text(max_size=5)
FIELDS = st.tuples(*[TEXT.filter(lambda text: "\0" not in text and "\ufeff" not in text)] * 4)


def read_or_refused(path: Path, content: bytes) -> Rows | str:
    try:
        return rows(path, content)
    except UnreadableFileError as error:
        return str(error)


@settings(deadline=None)
@given(
    records=st.lists(FIELDS, min_size=1, max_size=6),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
def test_what_a_writer_encloses_comes_back(
    records: list[tuple[str, ...]],
    separator: str,
    end: str,
    encoding: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([COLUMNS, *records, ("u", "i", "t", "1")])
    found = read_or_refused(tmp_path_factory.mktemp("shop"), text.getvalue().encode(encoding))
    if isinstance(found, str):
        assert "encloses whole rows" in found  # a field that holds rows: nobody could tell
    else:
        expected = [tuple(field or None for field in record) for record in records if any(record)]
        assert found == [*expected, ("u", "i", "t", "1")]


@settings(deadline=None)
@given(lines=st.lists(st.text(st.sampled_from('ab1,"'), max_size=12), max_size=6))
def test_no_line_is_swallowed_without_a_word(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept = [line for line in lines if line.strip(",")]  # the others are blank
    text = HEADER + "\n".join([*lines, "u,i,t,1"]) + "\n"
    found = read_or_refused(tmp_path_factory.mktemp("shop"), text.encode())
    if isinstance(found, str):
        assert "t.csv: line " in found
    else:
        within = sum((field or "").count("\n") for row in found for field in row)
        assert len(found) >= len([line for line in kept if line.strip(',"')]) + 1 - within
        assert len(found) <= len(kept) + 1 - within


def test_quoted_records_are_counted_over_many_blocks(tmp_path: Path) -> None:
    """Most blocks hold a line a record; in some a field has line ends, also at their border."""
    filling = '"u","' + "x" * 1000 + '","t","1"\n'
    odd = '"u","two\n""lines""","t","2"\n\n' + '"u","' + "line\n" * 300_000 + '","t","3"\r\n'
    part = filling * 1500 + odd
    found = rows(tmp_path, HEADER + part * 3 + filling)
    assert len(found) == 3 * 1502 + 1
    assert [row[3] for row in found[1499:1503]] == ["1", "2", "3", "1"]
    assert found[1500][1] == 'two\n"lines"'


def test_a_fault_behind_many_quoted_lines_is_named_by_its_line(tmp_path: Path) -> None:
    filling = '"u","' + "x" * 1000 + '","t","1"\n'
    text = HEADER + filling * 2000 + '"u","a\nb","t","2"\n' + filling * 2000 + '"u","i,"t","1"\n'
    assert "line 4004" in refusal(tmp_path, text)
