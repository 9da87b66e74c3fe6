"""Described items: the catalogue's ids with the names and the taxonomy of the products."""

import polars as pl

from index_builder.transactions.categories import MORE
from index_builder.transactions.products import COLUMNS, TAXONOMY


def described(item_ids: pl.DataFrame, products: pl.DataFrame | None) -> tuple[pl.DataFrame, int]:
    """Joins names and taxonomy to items, and counts those without a product.

    Args:
        item_ids: with the column item_id.
        products: as `read_products` returns them; without them an item is named by its id.
    """
    if products is None:
        products = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
    joined = item_ids.join(products, on="item_id", how="left", maintain_order="left")
    nameless = joined["name"].null_count()
    items = joined.select(
        "item_id",
        pl.col("name").fill_null(pl.col("item_id")),
        pl.col(TAXONOMY).fill_null(""),
        *(
            pl.col(each).fill_null("")
            for each in ("brand", MORE, "group_id")
            if each in products.columns
        ),
        *(["price"] if "price" in products.columns else []),
    )
    return items, nameless
