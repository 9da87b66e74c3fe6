"""Files that others replace while they are read: what was read is all of one content."""

import gzip
import io
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest

from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.errors import DataError, UnreadableFileError
from index_builder.transactions.line_files import read_lines
from index_builder.transactions.products import read_products
from index_builder.transactions.reading import Reading
from index_builder.transactions.transactions import read_transactions

NEW = "user_id,basket_id,item_id,timestamp\nann,a,tea,2017-12-02\nann,b,oats,2017-12-03\n"
OTHER_ORDER = "basket_id,user_id,item_id,timestamp\n" + "b,ben,milk,2017-12-01\n" * 7
LONGER = NEW + "ben,c,milk,2017-12-04\n"
HALF = NEW[:-20]


def packed(file: Path, text: str) -> bytes:
    return gzip.compress(text.encode()) if file.name.endswith(".gz") else text.encode()


def opening(file: Path, before: Callable[[int], None], read: Callable[[], Any]) -> tuple[Any, int]:
    """Call a function before each opening of a file; return what was read, and the openings."""
    openings, plain = [0], io.open

    def watched(name: Any, *arguments: Any, **more: Any) -> Any:
        if str(name) == str(file):
            openings[0] += 1
            with patch("io.open", plain):
                before(openings[0])
        return plain(name, *arguments, **more)

    with patch("io.open", watched), patch("builtins.open", watched):
        return read(), openings[0]


@pytest.mark.parametrize("missing", [None, frozenset({"none"})])
@pytest.mark.parametrize("old", [OTHER_ORDER, LONGER, HALF])
@pytest.mark.parametrize("name", ["1.csv", "1.csv.gz"])
def test_whenever_it_is_replaced_the_new_lines_are_read(
    name: str, old: str, missing: frozenset[str] | None, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(packed(file, NEW))
    reading = Reading(missing=missing, part_rows=1)

    def lines(number: int) -> pl.DataFrame:
        taken = CheckedLines(tmp_path / f"lines-{number}")
        read_lines(file, reading, taken)
        assert sorted(taken.folder.iterdir()) == taken.files
        return pl.concat(map(pl.read_parquet, taken.files))

    expected, openings = opening(file, lambda _: None, lambda: lines(0))
    assert openings >= 3
    n_replaced = 0
    for moment in range(1, openings + 1):
        file.write_bytes(packed(file, old))
        other = tmp_path / "other"
        other.write_bytes(packed(file, NEW))

        def replace(opening: int, other: Path = other, moment: int = moment) -> None:
            if opening == moment:
                other.replace(file)

        with suppress(DataError):  # of the old content, if that is refused before it is replaced
            found, _ = opening(file, replace, partial(lines, moment))
        if not other.exists():
            n_replaced += 1
            assert found.equals(expected)
    assert n_replaced >= 2


def test_products_are_of_one_content_too(tmp_path: Path) -> None:
    file, other = tmp_path / "products.csv", tmp_path / "other"
    file.write_text("name,item_id,department,category,subcategory\nMilk,m,d,c,s\n")
    other.write_text("item_id,name,department,category,subcategory\nt,Tea,d,c,s\n")

    def replace(opening: int) -> None:
        if opening == 3:
            other.replace(file)

    found, _ = opening(file, replace, lambda: read_products(file))
    assert found.select("item_id", "name").rows() == [("t", "Tea")]


def test_one_that_never_rests_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "1.csv"
    file.write_text(NEW)

    def grow(_: int) -> None:
        with file.open("a") as more:
            more.write("ben,c,milk,2017-12-04\n")

    with pytest.raises(UnreadableFileError, match=r"1\.csv: expected a file that stays as it is"):
        opening(file, grow, lambda: read_transactions(file))
