"""Tables: the wanted columns of a shop's files, read whole or refused with the wrong lines."""

from index_builder.transactions.tables.format import Format, FormatError
from index_builder.transactions.tables.reading import (
    files_of,
    read_file,
    read_tables,
    stacked,
    whole_table,
)
from index_builder.transactions.tables.table import ROW, Notice, Table

__all__ = [
    "ROW",
    "Format",
    "FormatError",
    "Notice",
    "Table",
    "files_of",
    "read_file",
    "read_tables",
    "stacked",
    "whole_table",
]
