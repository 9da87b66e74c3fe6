"""Tables: the wanted columns of a shop's files, read or refused with the wrong lines."""

from index_builder.transactions.tables.files import (
    Wanted,
    files_of,
    is_data_file,
    open_file,
    require_utf8,
)
from index_builder.transactions.tables.findings import Notice
from index_builder.transactions.tables.format import Format, FormatError
from index_builder.transactions.tables.reading import (
    read_at_rest,
    read_parts,
    read_tables,
    stacked,
    whole_table,
)
from index_builder.transactions.tables.table import ROW, Table

__all__ = [
    "ROW",
    "Format",
    "FormatError",
    "Notice",
    "Table",
    "Wanted",
    "files_of",
    "is_data_file",
    "open_file",
    "read_at_rest",
    "read_parts",
    "read_tables",
    "require_utf8",
    "stacked",
    "whole_table",
]
