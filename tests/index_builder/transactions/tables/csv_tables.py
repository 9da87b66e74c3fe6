"""CSV files as tables, or as what is said in refusing them."""

from pathlib import Path

import pytest

from index_builder.transactions.errors import UnreadableFileError
from index_builder.transactions.tables import ROW, Format, Table, Wanted, read_tables

HEADER = "user,item,text,n\n"
COLUMNS = ("user", "item", "text", "n")
Rows = list[tuple[str | None, ...]]


def table_of(path: Path, content: str | bytes, form: Format | None = None) -> Table:
    path = path if path.suffix else path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_tables(path, Wanted(COLUMNS, given=form or Format()), lambda table: table)


def rows(path: Path, content: str | bytes, form: Format | None = None) -> Rows:
    return table_of(path, content, form).frame.drop(ROW).rows()


def refusal(path: Path, content: str | bytes, form: Format | None = None) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        table_of(path, content, form)
    return str(caught.value)
