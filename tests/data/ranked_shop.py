"""A shop with enough baskets to train a ranker: 48 items, 24 users, 18 baskets a day.

Every user has favourites that come back every few days, and items 2n and 2n + 1 go together. The
taxonomy has 2 departments, 4 categories and 8 subcategories, one of them without a name.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from index_builder.bundle.contents import assemble, with_closest, with_ranker, with_trees
from index_builder.config import BuildConfig, IndexConfig, RankerConfig, ScoreConfig, TrainConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.index.tuning import BuiltIndex
from index_builder.ranker.training import train_ranker
from index_builder.ranker.training_examples import training_examples
from index_builder.transactions.encoded.encoding import EncodedTransactions, encode, encode_later
from index_builder.transactions.encoded.held_out import HeldOut, held_out
from index_builder.transactions.transactions import read_transactions
from service.bundle.bundle import BundleContents, preview_bundle
from service.recommending.weights import Weights
from service.retrieval.exact import Exact
from service.support.arrays.array_types import Float32

N_ITEMS, N_USERS, BASKETS_PER_DAY = 48, 24, 18
FIRST = datetime.fromisoformat("2017-06-01T00:30")
DAYS = 125
PLACES = 24  # of the lists of closest items
CUT = datetime.fromisoformat("2017-09-20")
WEIGHTS = Weights(user=0.25, popularity=1, history=2, neighbour=20)
CONFIG = BuildConfig(
    train=TrainConfig(dimension=4, epochs=2, threads=1),
    index=IndexConfig(backend="exact", closest=PLACES),
    ranker=RankerConfig(trees=20, leaves=7, min_leaf_candidates=20),
    score=ScoreConfig(trees=20, leaves=7, min_leaf_items=20, window_baskets=300),
)


def lines(seed: int = 5, days: int = DAYS) -> pl.DataFrame:
    """Return the transactions, one row per purchase."""
    random = np.random.default_rng(seed)
    favourites = random.permuted(np.tile(np.arange(N_ITEMS), (N_USERS, 1)), axis=1)[:, :8]
    appeal = 1 / np.arange(2, N_ITEMS + 2)
    rows = []
    for visit in range(days * BASKETS_PER_DAY):
        user = int(random.integers(N_USERS))
        begun = FIRST + timedelta(days=1) * (visit / BASKETS_PER_DAY)
        own = random.choice(favourites[user], 3, replace=False)
        other = random.choice(N_ITEMS, 3, replace=False, p=appeal / appeal.sum())
        items = np.unique(np.concatenate([own, own[:2] ^ 1, other]))
        rows += [(f"user-{user:02}", f"b{visit:05}", f"item-{item:02}", begun) for item in items]
    schema = ("user_id", "basket_id", "item_id", "timestamp")
    return pl.DataFrame(rows, schema=schema, orient="row")


def products() -> pl.DataFrame:
    """Return the products."""
    numbers = range(N_ITEMS)
    return pl.DataFrame(
        {
            "item_id": [f"item-{i:02}" for i in numbers],
            "name": [f"Thing {i}" for i in numbers],
            "department": [f"department {i % 2}" for i in numbers],
            "category": [f"aisle {i % 4}" for i in numbers],
            "subcategory": [f"shelf {i % 8}" if i % 8 else "" for i in numbers],
        }
    )


def exactly(rows: Float32, _: Float32) -> BuiltIndex:
    """Build the exact index."""
    return BuiltIndex(Exact(rows), 1.0)


@dataclass(frozen=True)
class Shop:
    """What the ranker of the shop is trained on.

    Attributes:
        encoded: the baskets before CUT.
        contents: of a bundle of them, with the arrays that features need, without trees.
        held_out: the baskets from CUT on, split.
    """

    encoded: EncodedTransactions
    contents: BundleContents
    held_out: list[HeldOut]


def shop_of(
    lines: pl.DataFrame, products: pl.DataFrame, config: BuildConfig, cut: datetime
) -> Shop:
    """A shop with random vectors, which no test depends on."""
    with TemporaryDirectory() as directory:
        lines.write_parquet(path := Path(directory) / "transactions.parquet")
        transactions = read_transactions(path)
    encoded = encode(transactions, products, config.min_item_baskets, cut)
    random = np.random.default_rng(0)
    p, q, h = (
        random.standard_normal((n, 4)).astype(np.float32)
        for n in (encoded.n_items, encoded.n_items, encoded.n_users)
    )
    contents = assemble(encoded, Embeddings(p, q, h), config, cut, exactly, WEIGHTS, WEIGHTS)
    later = encode_later(transactions.since(cut), encoded)
    return Shop(encoded, with_ranker(contents, encoded, config.ranker), held_out(later, 0))


@cache
def shop() -> Shop:
    """The shop of this module."""
    made = shop_of(lines(), products(), CONFIG, CUT)
    return replace(made, contents=with_closest(made.contents, made.encoded, CONFIG))


@cache
def ranked_contents() -> BundleContents:
    """The contents of the shop's bundle, with trees."""
    examples = training_examples(preview_bundle(shop().contents), shop().held_out, CONFIG.ranker, 0)
    return with_trees(shop().contents, train_ranker([examples], CONFIG.ranker, 1, 0))
