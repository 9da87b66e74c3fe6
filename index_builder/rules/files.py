"""Files of market-basket analysis: baskets, one per line, and association rules as a table."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index_builder.rules.association_rules import AssociationRules
from index_builder.transactions.errors import EmptyDataError, UnreadableFileError
from service.support.array_types import Int32, Int64
from service.support.offsets import offsets

COLUMNS = ("antecedent", "consequent", "support", "confidence", "lift", "leverage", "conviction")


def read_baskets(path: Path) -> tuple[Int32, Int64, list[str]]:
    """Reads baskets without users and dates: one per line, item names between commas.

    Returns:
        Item indices, distinct and ascending within a basket; where each basket starts, and the
        end of the last one; the names by item index, the one of most baskets first.

    Raises:
        UnreadableFileError: the file cannot be read as text.
        EmptyDataError: the file names no item.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = [{name.strip() for name in line} - {""} for line in csv.reader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFileError(f"{path}: expected lines of text, found: {error}") from error
    baskets = [names for names in lines if names]
    if not baskets:
        raise EmptyDataError(f"{path}: expected one basket per line, found no item.")
    flat = [name for names in baskets for name in names]
    names, codes, counts = np.unique(np.array(flat), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.argsort(order)
    sizes = [len(names) for names in baskets]
    items = rank[codes].astype(np.int32)
    items = items[np.lexsort((items, np.repeat(np.arange(len(baskets)), sizes)))]
    return items, offsets(sizes), [str(name) for name in names[order]]


def write_rules(path: Path, rules: AssociationRules, names: Sequence[str]) -> None:
    """Writes rules as CSV, the largest lift first; items of an antecedent are joined by `|`.

    Args:
        path: the file.
        rules: the rules.
        names: by item index.
    """
    measures = (rules.support, rules.confidence, rules.lift, rules.leverage, rules.conviction)
    numbers = np.column_stack(measures).tolist()
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in np.argsort(-rules.lift, kind="stable").tolist():
            parts = rules.antecedent[row]
            left = "|".join(names[part] for part in parts[parts >= 0].tolist())
            table.writerow([left, names[int(rules.consequent[row])], *numbers[row]])
