"""Doubtful ids: values that may not mean what they seem to mean; they are read, and noted."""

import polars as pl

from index_builder.transactions.tables import Table

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
        distinct = ids.unique()
        forms = distinct.str.to_lowercase()
        for words, meaning in ((NOTHING, "nothing"), (_NOBODY, "nobody")):
            if column == "user_id" or words is NOTHING:
                table = table.noted_where(
                    ids.is_in(distinct.filter(forms.is_in(words)).implode()),
                    column,
                    f"have a value in {column} that may mean {meaning}; if it does, give --missing",
                )
        table = table.noted_where(
            ids.is_in(distinct.filter(distinct.str.contains(_SHORTENED)).implode()),
            column,
            f"have a value in {column} in scientific notation, in which several ids look alike; "
            "export it as text",
        )
        table = table.noted_where(
            ids.is_in(distinct.filter(distinct.str.contains(_MARKED)).implode()),
            column,
            f"have a value in {column} with quotation marks around it, which are part of it; "
            "write them right behind the separator, as double marks",
        )
        fractions = distinct.filter(distinct.str.contains(_FRACTION))
        whole = fractions.str.replace(r"\.0+$", "")
        both = whole.is_in(distinct.implode()).any()
        table = table.noted_where(
            ids.is_in(fractions.implode()),
            column,
            f"have a value in {column} that ends in .0"
            + (", and others have the same without it, which is another id" if both else "")
            + "; export it as a whole number",
        )
    return table


def crowd(lines: pl.DataFrame) -> pl.DataFrame:
    """The users who have so many baskets that they may stand for many people.

    Args:
        lines: user_id, which may be null, and basket_id.

    Returns:
        user_id and baskets, the most first.
    """
    known = lines.select("user_id", "basket_id").drop_nulls("user_id")
    baskets = known.group_by("user_id").agg(baskets=pl.col("basket_id").n_unique())
    n_users, n_baskets = baskets.height, int(baskets["baskets"].sum())
    others = (n_baskets - pl.col("baskets")) / max(1, n_users - 1)
    return baskets.filter(
        (pl.col("baskets") >= _MANY) & (pl.col("baskets") > _TIMES * others)
    ).sort("baskets", "user_id", descending=[True, False])
