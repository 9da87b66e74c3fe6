"""Doubtful ids: values that may not mean what they seem to mean; they are read, and noted."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from index_builder.transactions.tables import Table
from index_builder.transactions.tables.findings import Twins
from service.support.arrays.array_types import Int64

NOTHING = (  # in small letters
    "null", "(null)", "nan", "<na>", "na", "n/a", "#n/a", "none", "nil", r"\n", "undefined",
    "unknown", "missing", "-", "?", ".",
)  # fmt: skip
_NOBODY = ("0", "-1", "0.0", "-1.0", "guest", "anonymous", "00000000-0000-0000-0000-000000000000")
_SHORTENED = r"(?i)^[0-9](?:[.,][0-9]+)?E\+[0-9]+$"  # 5.01235E+12, as spreadsheets show an EAN
_MARKED = "^(?:'.*'|\".*\"|“.*”)$"
_FRACTION = r"^[0-9]+\.0+$"

_MANY = 100  # baskets, and more than so many times those of an average user
_TIMES = 20


def note_ids(table: Table, *columns: str) -> Table:
    """Adds notices of doubtful ids.

    Args:
        table: of one file.
        columns: of ids, as strings.
    """
    for column in columns:
        ids = table.frame[column]
        # Most files have few distinct ids: look at these.
        for doubtful, problem, twins in _doubts(column, ids.unique()):
            none = pl.repeat(value=False, n=len(ids), eager=True)
            wrong = ids.is_in(doubtful.implode()) if len(doubtful) else none
            table = table.noted_where(wrong, column, problem, twins)
    return table


def crowds(baskets: Int64) -> dict[int, int]:
    """The users who have so many baskets that they may stand for many people, the busiest first.

    Args:
        baskets: (n_users,) number of baskets of each user.

    Returns:
        Their numbers of baskets, by their places in `baskets`.
    """
    others = (baskets.sum() - baskets) / max(1, len(baskets) - 1)
    found = np.flatnonzero((baskets >= _MANY) & (baskets > _TIMES * others))
    busiest = found[np.argsort(-baskets[found], kind="stable")]
    return dict(zip(busiest.tolist(), baskets[busiest].tolist(), strict=True))


def _doubts(column: str, ids: pl.Series) -> Iterator[tuple[pl.Series, str, Twins | None]]:
    """Yields doubtful ids, and what is doubtful, to follow "3 of 20 rows"."""
    forms = ids.str.to_lowercase()
    have = f"have a value in {column}"
    problem = f"{have} that may mean nothing; if it does, give --missing"
    yield ids.filter(forms.is_in(NOTHING)), problem, None
    if column == "user_id":
        problem = f"{have} that may mean nobody; if it does, give --missing"
        yield ids.filter(forms.is_in(_NOBODY)), problem, None
    problem = f"{have} in scientific notation, in which several ids look alike; export it as text"
    yield ids.filter(ids.str.contains(_SHORTENED)), problem, None
    problem = f"{have} with quotation marks around it, which are part of it; "
    problem += "to enclose a field, write double marks right behind the separator"
    yield ids.filter(ids.str.contains(_MARKED)), problem, None
    fractions = ids.filter(ids.str.contains(_FRACTION))
    others = ", and others have the same without it, which is another id"
    ends, export = f"{have} that ends in .0", "; export it as a whole number"
    twins = Twins(fractions.str.replace(r"\.0+$", ""), f"{ends}{others}{export}")
    yield fractions, f"{ends}{export}", twins
