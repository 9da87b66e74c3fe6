"""CSV files: separators, lines, columns and formats."""

from pathlib import Path

import pytest

from index_builder.transactions.errors import MissingColumnError
from index_builder.transactions.tables import Format, FormatError
from tests.index_builder.transactions.tables.csv_tables import (
    COLUMNS,
    HEADER,
    refusal,
    rows,
    table_of,
)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_found(tmp_path: Path, separator: str, end: str) -> None:
    text = HEADER + 'u1,i1,"a b",1\nu2,i2,6",2\n'
    text = text.replace(",", separator).replace("\n", end)
    expected = [("u1", "i1", "a b", "1"), ("u2", "i2", '6"', "2")]
    assert rows(tmp_path, text) == expected


def test_mixed_line_ends_are_no_rows(tmp_path: Path) -> None:
    table = table_of(tmp_path, HEADER + "u1,i1,a,1\r\n\r\nu2,i2,b,2\ru3,i3,c,3\n\n")
    assert table.frame["user"].to_list() == ["u1", "u2", "u3"]
    assert table.left_out == {"blank lines": 2}


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\r\n", "\n\nsep=;\n"])
def test_the_line_in_which_excel_names_the_separator(tmp_path: Path, line: str) -> None:
    assert rows(tmp_path, line + HEADER.replace(",", ";") + "u;i;a,b;1\n") == [
        ("u", "i", "a,b", "1")
    ]


def test_another_separator_can_be_given(tmp_path: Path) -> None:
    form = Format.of(None, "^", None, True, [])
    assert rows(tmp_path, HEADER.replace(",", "^") + "u^i^a,b^1\n", form) == [
        ("u", "i", "a,b", "1")
    ]


def test_an_unknown_separator_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match="--separator"):
        table_of(tmp_path, HEADER.replace(",", "^"))


def test_a_tsv_file_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    assert rows(path, HEADER.replace(",", "\t") + 'u\ti\t6"\t1\n') == [("u", "i", '6"', "1")]


@pytest.mark.parametrize("size", [140_000, 40_000_000])
def test_a_field_may_be_huge(tmp_path: Path, size: int) -> None:
    found = rows(tmp_path, HEADER + f'u,i,"{"x" * size}",1\nu2,i2,t,2\n')
    assert [len(row[2] or "") for row in found] == [size, 1]


def test_lines_are_counted_from_the_start_of_the_file(tmp_path: Path) -> None:
    message = refusal(tmp_path, "\nsep=,\n" + HEADER + 'u,i,"a\nb",1\nu,i,"c" d,1\n')
    assert "t.csv: line 6: a stray" in message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("klingon", None, None, True, []), "encoding: expected one that Python knows"),
        (("hex", None, None, True, []), "encoding: expected one that Python knows"),
        ((None, ";;", None, True, []), "separator: expected one character"),
        ((None, '"', None, True, []), "separator: expected one character"),
        ((None, None, "", True, []), "escape: expected one character"),
        ((None, None, None, True, ["user"]), "column: expected wanted=found"),
    ],
)
def test_a_format_that_no_file_can_have_is_refused(
    options: tuple[str | None, str | None, str | None, bool, list[str]], words: str
) -> None:
    with pytest.raises(FormatError, match=words):
        Format.of(*options)


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    form = Format.of(None, "tab", None, True, ["user=Customer ID", "n=Quantity"])
    content = "Customer ID\titem\ttext\tQuantity\tCountry\nu\ti\tt\t1\tFR\n"
    table = table_of(tmp_path, content, form)
    assert table.frame.select(COLUMNS).rows() == [("u", "i", "t", "1")]
    assert table.unused == ("Country",)


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match="expected one column 'item', found several"):
        table_of(tmp_path, "user,item,item,text,n\nu,i,j,t,1\n")
