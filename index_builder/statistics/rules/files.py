"""Association rules as a table."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index_builder.statistics.rules.association_rules import AssociationRules
from service.support.files import replacing

COLUMNS = ("antecedent", "consequent", "support", "confidence", "lift", "leverage", "conviction")

_ROWS = 100_000  # that are Python's objects at once


def write_rules(path: Path, rules: AssociationRules, names: Sequence[str]) -> None:
    r"""Writes rules as CSV, the largest lift first.

    Items of an antecedent are joined by `|`. A `|` or `\` of an item's own has a `\` before it, so
    that two antecedents are never alike.

    Args:
        path: the file.
        rules: the rules.
        names: by item index.

    Raises:
        OSError: the file cannot be written; what was there before stays.
    """
    measures = (rules.support, rules.confidence, rules.lift, rules.leverage, rules.conviction)
    order = np.argsort(-rules.lift, kind="stable")
    escaped = [re.sub(r"([\\|])", r"\\\1", name) for name in names]
    with replacing(path) as new, new.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for start in range(0, len(order), _ROWS):
            rows = order[start : start + _ROWS]
            numbers = np.column_stack([each[rows] for each in measures]).tolist()
            for row, measured in zip(rows.tolist(), numbers, strict=True):
                parts = rules.antecedent[row]
                left = "|".join(escaped[part] for part in parts[parts >= 0].tolist())
                table.writerow([left, names[int(rules.consequent[row])], *measured])
