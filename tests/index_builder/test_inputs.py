"""Data as people really have them: each file of `tests/inputs`, and what is made of it."""

import re
import shlex
from pathlib import Path

import pytest

from tests.index_builder.conftest import Run

INPUTS = Path(__file__).parents[1] / "inputs"
ONLINE_RETAIL = (
    "--column user_id='Customer ID' --column basket_id=Invoice --column item_id=StockCode "
    "--column timestamp=InvoiceDate --column quantity=Quantity --timestamp-format '%d/%m/%Y %H:%M'"
)
# File, options, and what is said of it. A refusal begins with the name of its error.
TRANSACTIONS = [
    # Quotation marks
    ("bare_marks.csv", "", ["rows read 6", "rows kept 6"]),
    ("odd_marks.csv", "", ["rows kept 2"]),
    ("open_mark.csv", "", ["UnreadableFileError", "line 2: a quotation mark that encloses whole"]),
    ("stray_mark.csv", "", ["UnreadableFileError", "line 3: a stray quotation", "--no-quotes"]),
    ("stray_mark.csv", "--no-quotes", ["rows kept 2"]),
    ("mysql.csv", "", ["UnreadableFileError", "line 2: a stray quotation mark", "--escape '\\'"]),
    ("mysql.csv", "--escape '\\'", ["rows kept 2"]),
    ("short_row.csv", "", ["UnreadableFileError", "line 3: expected 4 fields", "found 3"]),
    # Encodings, separators, line ends
    ("latin_1.csv", "", ["UnreadableFileError", "line 2", "--encoding cp1252", "u1,b1,café"]),
    ("latin_1.csv", "--encoding latin-1", ["rows kept 2"]),
    ("utf_16.csv", "", ["rows kept 2"]),
    ("utf_16_no_mark.csv", "", ["UnreadableFileError", "line 1", "--encoding utf-16-le"]),
    ("utf_16_no_mark.csv", "--encoding utf-16-le", ["rows kept 2"]),
    ("bom.csv", "", ["rows kept 2"]),
    ("excel_sep.csv", "", ["rows kept 2"]),
    ("semicolons.csv", "", ["rows kept 2"]),
    ("carets.csv", "", ["MissingColumnError", "--separator"]),
    ("carets.csv", "--separator ^", ["rows kept 2"]),
    ("lone_cr.csv", "", ["rows kept 2"]),
    ("tabs.tsv", "", ["rows kept 2"]),
    # What is valid
    ("year_2099.csv", "", ["TimestampError", "1 of 3 rows", "in the future", "4 u2 b2 mug"]),
    ("long_id.csv", "", ["LongIdError", "1 of 2 rows have more than 128 characters in item_id"]),
    # Returns
    ("returns.csv", ONLINE_RETAIL, [
        "rows read 7", "cancellations (quantity 0 or less) -3", "purchases taken back -1",
        "rows kept 3", "users 2 ", "baskets 2 ", "items 2 ",
    ]),
    # Values that mean nothing
    ("nothing.csv", "", [
        "users 4", "4 of 8 rows have a value in user_id that may mean nothing",
        "First: line 2 'NULL', line 3 'NULL', line 4 '\\\\N'",
        "2 of 8 rows have a value in user_id that may mean nobody", "First: line 6 '-1'",
        "1 of 8 rows have a value in item_id that may mean nothing", "line 9 'nan'",
    ]),
    ("nothing.csv", "--missing 'NULL,\\N,-1,nan'", [
        "lines without item_id -1", "users 1 ", "baskets 4 ", "of guests 3 ",
    ]),
    ("no_user.csv", "", ["EmptyIdError", "2 of 4 rows have no user_id", "--missing ''"]),
    ("no_user.csv", "--missing ''", ["users 1 ", "of guests 1 "]),
    ("fractions.csv", "", ["2 of 4 rows have a value in user_id that ends in .0, and"]),
    ("eans.csv", "", ["1 of 2 rows have a value in item_id in scientific", "'5.01235E+12'"]),
    ("spaces.csv", "", [
        "users 1 ", "items 2 ", "1 of 4 rows have spaces around the user_id", "line 2 'u1 '",
        "2 of 4 rows have spaces around the item_id", "line 3 ' mug', line 4 'mug\\xa0'",
    ]),
    ("guest.csv", "", ["120 of 122 baskets are of one user", "give --guest", "'GUEST'"]),
    ("guest.csv", "--guest GUEST", ["users 2 ", "of guests 120 "]),
    ("guest.csv", "--guest GAST", ["1 of 1 guests have no line. First: 'GAST'"]),
    ("marks_in_ids.csv", "", ["1 of 2 rows have a value in item_id with quotation marks"]),
    ("header_alone.csv", "", ["EmptyDataError", "no rows"]),
    # Dates
    ("compact_dates.csv", "", ["first basket 2006-04-13 00:00"]),
    ("utc_dates.csv", "", ["first basket 2026-03-02 10:00"]),
    ("utc_dates.csv", "--timezone Asia/Tokyo", ["first basket 2026-03-02 10:00"]),
    ("day_first.csv", "", [
        "TimestampError", "-format '%d/%m/%Y %H:%M' reads the first as 2026-02-13 18:30:00",
    ]),
    ("day_first.csv", "--timestamp-format '%d/%m/%Y %H:%M' --timezone Europe/Berlin", [
        "first basket 2026-02-13 17:30",
    ]),
    ("either_first.csv", "", ["TimestampError", "'%d/%m/%Y' reads the first as 2026-02-03",
        "'%m/%d/%Y' reads the first as 2026-03-02"]),
    ("epoch_s.csv", "", [
        "TimestampError", "-format 'epoch-s' reads the first as 2026-02-03 16:05:00",
    ]),
    ("epoch_s.csv", "--timestamp-format epoch-s", ["first basket 2026-02-03 16:05"]),
    ("epoch_ms.csv", "", ["TimestampError", "--timestamp-format 'epoch-ms'"]),
    ("epoch_ms.csv", "--timestamp-format epoch-ms", ["first basket 2026-02-03 16:05"]),
    ("zone_missing.csv", "", ["TimestampError", "without a timezone", "3 u1 b1 mug"]),
]  # fmt: skip

# Baskets of bread and butter, of bread, butter and jam, and of jam and tea, if not said otherwise.
THREE = ["3 baskets, 4 items", "11 rules"]
BASKETS = [
    ("bom.csv", "", THREE),
    ("semicolons.csv", "", [*THREE, "items are separated by ';'"]),
    ("tabs.tsv", "", THREE),
    ("utf_16.txt", "", THREE),
    ("excel_sep.csv", "", THREE),
    ("numbers.dat", "", THREE),
    ("spaces.txt", "", ["UnreadableFileError", "found spaces alone", "--separator space"]),
    ("spaces.txt", "--separator space", THREE),
    ("two_separators.csv", "", ["UnreadableFileError", "Say with --separator"]),
    ("latin_1.csv", "", ["UnreadableFileError", "line 1", "--encoding cp1252", "café,butter"]),
    ("latin_1.csv", "--encoding cp1252", ["2 baskets, 2 items"]),
    ("counted.csv", "", [*THREE, "line 1 holds the names", "the first column counts the items"]),
    ("padded.csv", "", ["3 baskets, 5 items", "'nan' is an item; if it means nothing"]),
    ("padded.csv", "--missing nan", THREE),
    ("json_lists.txt", "", [*THREE, "lines are lists"]),
    ("python_lists.txt", "", THREE),
    ("half_a_list.txt", "", ["UnreadableFileError", "line 2: expected a list of items"]),
    ("pipes.csv", "", ["4 baskets, 5 items"]),
    ("bare_marks.csv", "", ["3 baskets, 3 items"]),
    ("open_mark.csv", "", ["UnreadableFileError", "line 2", "encloses whole rows, up to line 3"]),
]

# Exports of shop systems, and known data sets: docs/data.md has the command for each.
EXPORTS = {
    "online_retail.xlsx": [
        "cancellations (quantity 0 or less) -1", "rows kept 4", "of guests 1 ",
        "first basket 2010-12-01 08:26", "last basket 2010-12-01 10:26",
    ],
    "data.csv": ["rows kept 4", "of guests 1 ", "last basket 2010-12-13 10:26"],
    "transactions_200607.csv": ["rows kept 4", "of guests 1 ", "last basket 2006-04-13"],
    "transaction_data.csv": ["rows kept 2", "last basket 1970-01-02"],
    "Groceries_dataset.csv": ["users 2 ", "baskets 2 ", "last basket 2015-07-21"],
    "groceries.csv": ["3 baskets, 4 items"],
    "wc_order_product_lookup.csv": [
        "rows kept 4", "cancellations (quantity 0 or less) -1", "users 1 ", "of guests 1 ",
    ],
    "orders_export.csv": [
        "rows kept 4", "users 1 ", "of guests 1 ", "last basket 2026-03-03 08:12",
    ],
}  # fmt: skip


def commands() -> dict[str, list[str]]:
    """The commands of docs/data.md, by the file that they read, without the file's name."""
    page = (INPUTS.parents[1] / "docs" / "data.md").read_text().replace("\\\n", " ")
    found = re.findall(
        r"^rtt2vec-build (?:rules )?(--(?:transactions|baskets)) (\S+) (.*)", page, re.M
    )
    return {name: [option, *shlex.split(rest)] for option, name, rest in found}


def said_of(text: str) -> str:
    """A message, without the lines around tables and without line breaks."""
    return re.sub(r"[│\s]+", " ", text)


@pytest.mark.parametrize(("name", "options", "expected"), TRANSACTIONS)
def test_transactions(
    run: Run, tmp_path: Path, name: str, options: str, expected: list[str]
) -> None:
    is_refused = expected[0].endswith("Error")
    command = ("rules", "--transactions", INPUTS / name, "--out", tmp_path / "rules.csv")
    said = said_of(run(*command, *shlex.split(options), status=int(is_refused)).err)
    assert [words for words in expected if words not in said] == [], said


@pytest.mark.parametrize(("name", "options", "expected"), BASKETS)
def test_baskets(run: Run, tmp_path: Path, name: str, options: str, expected: list[str]) -> None:
    is_refused = expected[0].endswith("Error")
    thresholds = ("--min-baskets", 1, "--min-confidence", 0, "--min-lift", 0)
    command = ("rules", "--baskets", INPUTS / "baskets" / name, "--out", tmp_path / "rules.csv")
    done = run(*command, *thresholds, *shlex.split(options), status=int(is_refused))
    said = said_of(done.err)
    assert [words for words in expected if words not in said] == [], said


@pytest.mark.parametrize("name", EXPORTS)
def test_exports(run: Run, tmp_path: Path, name: str) -> None:
    option, *options = commands()[name]
    out = tmp_path / "rules.csv"
    done = run("rules", option, INPUTS / "exports" / name, *options, "--out", out)
    said = said_of(done.err)
    assert [words for words in EXPORTS[name] if words not in said] == [], said


def test_every_file_is_tried() -> None:
    tried = {name for name, *_ in TRANSACTIONS} | {f"baskets/{name}" for name, *_ in BASKETS}
    tried |= {f"exports/{name}" for name in EXPORTS}
    files = {str(path.relative_to(INPUTS)) for path in INPUTS.rglob("*") if path.is_file()}
    assert files == tried
