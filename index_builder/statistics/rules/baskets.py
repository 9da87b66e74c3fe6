"""A file of baskets, one per line, read as carefully as transactions."""

import ast
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from index_builder.transactions.doubts import NOTHING
from index_builder.transactions.errors import EmptyDataError, UnreadableFileError
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables.csv_layout import strict_dialect
from index_builder.transactions.tables.csv_records import Fault, encloses_rows, parse_records
from index_builder.transactions.tables.format import SEPARATORS
from index_builder.transactions.tables.texts import (
    open_text,
    refusing_what_is_no_text,
    text_kind,
)
from service.support.arrays.array_types import Int32, Int64
from service.support.arrays.offsets import offsets
from service.support.validity import tidied

_LINES_LOOKED_AT = 10_000
_EXCEL_LINE = re.compile("sep=(.?)", re.IGNORECASE)
_HEADING = re.compile(r"items?(\(s\))?|(items?|products?|column|v)[ _.-]?[0-9]+", re.IGNORECASE)
_NUMBERS = re.compile(r"[0-9]+( +[0-9]+)* *")


class Baskets(NamedTuple):
    """Baskets without users and dates.

    Attributes:
        items: item indices, distinct and ascending within a basket.
        indptr: where each basket starts, and the end of the last one.
        names: by item index, the item of most baskets first.
        remarks: how the file was read, where that was found out.
    """

    items: Int32
    indptr: Int64
    names: list[str]
    remarks: list[str]


def read_baskets(path: Path, reading: Reading | None = None) -> Baskets:
    """Reads one basket per line: names of items with a separator between them, or a list of them.

    A line of column names (Item 1, Item 2, …) is no basket, and a first column that counts the
    items of each basket is none of them.

    Args:
        path: the file.
        reading: what is known of it: the format, and what stands for no item.

    Raises:
        UnreadableFileError: the file is no text, a line is wrong, or the separator is not clear.
        EmptyDataError: the file names no item.
    """
    reading = reading or Reading()
    given, remarks = reading.format, list[str]()
    with refusing_what_is_no_text(path, given.encoding):
        kind = text_kind(path, given.encoding)
        with open_text(path, kind) as text:
            first = text.readline().lstrip("\ufeff")
            excel = _EXCEL_LINE.fullmatch(first.strip("\r\n"))
            start = [*([] if excel else [first]), *itertools.islice(text, _LINES_LOOKED_AT)]
            if re.fullmatch(r"\[.*\]", first.strip()):
                separator, remark = ",", "lines are lists"
                rows = _lists(path, itertools.chain(start, text))
            else:
                found = excel[1] or "\t" if excel else None
                separator = given.separator or found or _separator(path, start)
                remark = f"items are separated by {separator!r}"
                dialect = strict_dialect(separator, given.escape, given.quotes)
                dialect["skipinitialspace"] = True
                text_lines = itertools.chain(start, text)
                rows = parse_records(path, text_lines, bool(excel), dialect, _fault)
            lines = list(_tidied(rows, {"", *(reading.missing or ())}))
    if separator != "," or remark == "lines are lists":
        remarks.append(remark)
    if lines and any(_HEADING.fullmatch(name) for name in lines[0]):
        remarks.append(f"line 1 holds the names of columns: {', '.join(lines[0][:3])}, …")
        del lines[0]
    lines = [names for names in lines if names]
    if len(lines) > 1 and all(names[0] == str(len(names) - 1) for names in lines):
        remarks.append("the first column counts the items of each basket")
        lines = [names[1:] for names in lines]
    baskets = [set(names) for names in lines if names]
    if not baskets:
        raise EmptyDataError(f"{path}: expected one basket per line, found no item.")
    items, indptr, names = _encoded(baskets)
    doubtful = [name for name in names if name.lower() in NOTHING]
    if doubtful:
        remarks.append(f"{doubtful[0]!r} is an item; if it means nothing, give --missing")
    return Baskets(items, indptr, names, remarks)


def _separator(path: Path, lines: Sequence[str]) -> str:
    """The separator that most lines have; a space if all items are numbers."""
    filled = [line for line in lines if line.strip()]
    found = Counter({each: sum(each in line for line in filled) for each in SEPARATORS})
    (first, many), (_, fewer) = found.most_common(2)
    if many and many >= 2 * fewer:
        return first
    if many:
        raise UnreadableFileError(
            f"{path}: {first!r} is in {many:,} of the first {len(filled):,} lines, another "
            f"separator in {fewer:,}.\nSay with --separator which one stands between items."
        )
    if filled and all(_NUMBERS.fullmatch(line.strip("\r\n")) for line in filled):
        return " "
    if any(" " in line.strip() for line in filled):
        raise UnreadableFileError(
            f"{path}: expected a separator between items ({', '.join(map(repr, SEPARATORS))}), "
            "found spaces alone.\nGive --separator space if they stand between items."
        )
    return ","


def _lists(path: Path, lines: Iterable[str]) -> Iterator[list[str]]:
    """The items of lines such as `["bread", "butter"]`, as JSON or Python writes them."""
    for number, line in enumerate(lines, 1):
        try:
            found: object = ast.literal_eval(line.strip() or "[]")
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            found = None
        if not isinstance(found, list):
            raise UnreadableFileError(
                f"{path}: line {number}: expected a list of items in brackets, as in line 1.\n"
                f"Found: {line.strip()[:100]}"
            )
        yield [str(name) for name in found]


def _fault(_record: Sequence[str], last_line: int | None) -> Fault | None:
    return None if last_line is None else encloses_rows(last_line)


def _tidied(records: Iterator[list[str]], nothing: Collection[str]) -> Iterator[list[str]]:
    for record in records:
        yield [name for name in map(tidied, record) if name not in nothing]


def _encoded(baskets: Sequence[Collection[str]]) -> tuple[Int32, Int64, list[str]]:
    flat = [name for names in baskets for name in names]
    names, codes, counts = np.unique(np.array(flat), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.argsort(order)
    sizes = [len(names) for names in baskets]
    items = rank[codes].astype(np.int32)
    items = items[np.lexsort((items, np.repeat(np.arange(len(baskets)), sizes)))]
    return items, offsets(sizes), [str(name) for name in names[order]]
