"""The stages of a build before training, one after the other in one process.

`python -m bench.scale.counting ENCODED PRODUCTS` prints each with its time, as a build does.
"""

import sys
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import TypeVar

import polars as pl
from rich.console import Console

from index_builder.config import BuildConfig
from index_builder.progress import stage
from index_builder.ranker.windows import windows
from index_builder.statistics.histories import histories
from index_builder.statistics.neighbour_weights import neighbour_weights
from index_builder.statistics.neighbours import neighbours
from index_builder.statistics.past_baskets import past_baskets
from index_builder.statistics.rules.levels import category_lift, item_rules
from index_builder.statistics.substitutes import substitutes
from index_builder.statistics.trends import item_rhythm, item_trend
from index_builder.transactions.encoded.encoding import encode
from index_builder.transactions.encoding.encoded_tables import read_encoded_tables
from index_builder.transactions.transactions import transactions_in
from service.bundle.taxonomy import Level

_Made = TypeVar("_Made")


def main() -> None:
    """Run all stages."""
    encoded_folder, products_file = map(Path, sys.argv[1:])
    config, products = BuildConfig(), pl.read_parquet(products_file)
    read = _timed("read tables", lambda: transactions_in(read_encoded_tables(encoded_folder)))
    cut = read.last + timedelta(seconds=1)
    made = _timed("training data", lambda: encode(read, products, config.min_item_baskets, cut))
    _timed("windows", lambda: list(windows(read, products, config, cut)))
    users, as_of = made.of_users, int(cut.replace(tzinfo=UTC).timestamp())
    half_life = config.recency_half_life_days
    _timed("histories", lambda: histories(users, made.n_users, made.n_items, half_life))
    _timed("past baskets", lambda: past_baskets(users, made.n_users))
    near = _timed("neighbours", lambda: neighbours(made, config.ranker.neighbours))
    regularisation = config.ranker.neighbour_regularisation
    _timed("neighbour weights", lambda: neighbour_weights(made, near, regularisation))
    _timed("trends", lambda: item_trend(made, made.n_items, as_of))
    _timed("rhythms", lambda: item_rhythm(users, made.n_users, made.n_items, as_of))
    _timed("association rules", lambda: item_rules(made, config.rules))
    category = Level.of(made.items["category"].to_list())
    fewest = config.rules.min_expected_baskets
    _timed("lifts of categories", lambda: category_lift(made, category, fewest))
    subcategory = Level.of(made.items["subcategory"].to_list())
    _timed("substitutes", lambda: substitutes(made, subcategory, config.substitutes))


def _timed(name: str, made_by: Callable[[], _Made]) -> _Made:
    with stage(Console(), name):
        return made_by()


if __name__ == "__main__":
    main()
