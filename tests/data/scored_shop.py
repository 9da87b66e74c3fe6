"""A shop of loyal users: six aisles of ten items, and each user buys in one aisle only.

A basket holds six items of the user's aisle. So an item of that aisle speaks for a basket, and one
of any other aisle against it. Item i stands in aisle i // 10; user u shops in aisle u % 6.
"""

from datetime import datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from index_builder.basket_score import ScoreExamples, score_examples, train_score
from index_builder.bundle.contents import with_score
from index_builder.config import BuildConfig, IndexConfig, ScoreConfig, TrainConfig
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle, BundleContents, preview_bundle
from tests.data.ranked_shop import shop_of

N_AISLES, AISLE, N_USERS, BASKET = 6, 10, 6, 6
FIRST = datetime.fromisoformat("2017-06-01T09:00")
CUT = datetime.fromisoformat("2017-08-20")
DAYS = 110
CONFIG = BuildConfig(
    train=TrainConfig(dimension=4, epochs=2, threads=1),
    index=IndexConfig(backend="exact"),
    score=ScoreConfig(trees=30, leaves=4, min_leaf_items=100, item_weight=1),
)


def lines(seed: int = 2) -> pl.DataFrame:
    """Return the transactions, one row per purchase; ten baskets a day."""
    random = np.random.default_rng(seed)
    rows = []
    for visit in range(10 * DAYS):
        user = int(random.integers(N_USERS))
        items = AISLE * (user % N_AISLES) + random.choice(AISLE, BASKET, replace=False)
        begun = FIRST + timedelta(days=visit / 10)
        rows += [(f"user-{user:02}", f"b{visit:04}", f"item-{item:02}", begun) for item in items]
    schema = ("user_id", "basket_id", "item_id", "timestamp")
    return pl.DataFrame(rows, schema=schema, orient="row")


def products() -> pl.DataFrame:
    """Return the products."""
    numbers = range(N_AISLES * AISLE)
    return pl.DataFrame(
        {
            "item_id": [f"item-{i:02}" for i in numbers],
            "name": [f"Thing {i}" for i in numbers],
            "department": ["SHOP" for _ in numbers],
            "category": [f"aisle {i // AISLE}" for i in numbers],
            "subcategory": [f"shelf {i // 5}" for i in numbers],
        }
    )


def aisle_items(user: str) -> list[str]:
    """The items of a user's aisle."""
    first = AISLE * (int(user.removeprefix("user-")) % N_AISLES)
    return [f"item-{item:02}" for item in range(first, first + AISLE)]


@cache
def unscored() -> tuple[BundleContents, list[HeldOut]]:
    """A bundle of the baskets before CUT that cannot score yet, and the baskets since."""
    made = shop_of(lines(), products(), CONFIG, CUT)
    return made.contents, made.held_out


@cache
def examples() -> ScoreExamples:
    """The training examples: all but the first hundred of the later baskets."""
    contents, baskets = unscored()
    found = score_examples(preview_bundle(contents), baskets[100:], CONFIG.score, 0)
    assert found is not None
    return found


@cache
def scored_contents() -> BundleContents:
    """The contents of a bundle that can score; calibrated on the first hundred baskets."""
    contents, baskets = unscored()
    score = train_score([examples()], contents, baskets[:100], CONFIG.score, 1, 0)
    assert score is not None
    return with_score(contents, score.personal, score.population)


@cache
def scored_bundle() -> Bundle:
    """The same as a bundle."""
    return preview_bundle(scored_contents())
