"""A shop of a realistic size, at random: 10,000 items, 300 users, 16,000 baskets of 25 items.

Items 2n and 2n + 1 are often bought together. The taxonomy has 30 departments, 300 categories and
5,000 subcategories. `user-0` buys most often.
"""

from dataclasses import replace
from datetime import datetime
from functools import cache

import numpy as np
import polars as pl

from index_builder.basket_score import score_examples, train_score
from index_builder.bundle.contents import (
    with_association_rules,
    with_score,
    with_trees,
)
from index_builder.config import (
    AssociationRulesConfig,
    BuildConfig,
    IndexConfig,
    RankerConfig,
    ScoreConfig,
    TrainConfig,
)
from index_builder.ranker.training import train_ranker
from index_builder.ranker.training_examples import training_examples
from service.bundle.bundle import BundleContents, preview_bundle
from tests.data.ranked_shop import shop_of

N_ITEMS, N_USERS, N_BASKETS, SIZE, LISTED = 10_000, 300, 16_000, 25, 20
LEVELS = {"department": 30, "category": 300, "subcategory": 5000}
CUT = datetime.fromisoformat("2017-08-25")
CONFIG = BuildConfig(
    train=TrainConfig(dimension=4, epochs=2, threads=1),
    index=IndexConfig(backend="exact"),
    ranker=RankerConfig(trees=20, leaves=7, min_leaf_candidates=20),
    score=ScoreConfig(trees=20, leaves=7, min_leaf_items=20, window_baskets=300),
)
RULES = AssociationRulesConfig(min_support=1e-5, min_baskets=3, min_confidence=0, min_lift=0)


def lines() -> pl.DataFrame:
    """Return the transactions, one row per purchase, over 92 days."""
    random = np.random.default_rng(0)
    basket = np.repeat(np.arange(N_BASKETS), SIZE)
    user = random.integers(N_USERS, size=N_BASKETS) ** 2 // N_USERS
    item = random.permutation(len(basket)) % N_ITEMS
    item[1::2] = np.where(random.random(len(item) // 2) < 0.5, item[::2] ^ 1, item[1::2])
    begun = np.sort(random.integers(92 * 86_400, size=N_BASKETS)).astype("timedelta64[s]")
    return pl.DataFrame(
        {
            "user_id": [f"user-{each}" for each in user[basket]],
            "basket_id": [f"b{each}" for each in basket],
            "item_id": [f"item-{each}" for each in item],
            "timestamp": (np.datetime64("2017-06-01", "us") + begun)[basket],
        }
    )


def products() -> pl.DataFrame:
    """Return the products."""
    numbers = range(N_ITEMS)
    names = {level: [f"{level} {i % n}" for i in numbers] for level, n in LEVELS.items()}
    items = {"item_id": [f"item-{i}" for i in numbers], "name": [f"Thing {i}" for i in numbers]}
    return pl.DataFrame(items | names | {"price": [1.5] * N_ITEMS})


@cache
def large_contents() -> BundleContents:
    """The contents of a bundle with everything that a bundle can have."""
    shop = shop_of(lines(), products(), CONFIG, CUT)
    contents = with_association_rules(shop.contents, shop.encoded, RULES)
    examples = training_examples(preview_bundle(contents), shop.held_out[:200], CONFIG.ranker, 0)
    contents = with_trees(contents, train_ranker([examples], CONFIG.ranker, 1, 0))
    baskets = score_examples(preview_bundle(contents), shop.held_out[100:], CONFIG.score, 0)
    assert baskets is not None
    score = train_score([baskets], contents, shop.held_out[:100], CONFIG.score, 1, 0)
    assert score is not None
    contents = with_score(contents, score.personal, score.population)
    # Lists of what comes next in the catalogue, which is as long as real lists are.
    following = (np.arange(shop.encoded.n_items)[:, None] + np.arange(1, LISTED + 1)) % N_ITEMS
    listed = np.sort(following, axis=1).astype(np.int32)
    return replace(
        contents,
        closest_item=listed,
        substitute_indptr=np.arange(N_ITEMS + 1, dtype=np.int64) * LISTED,
        substitute_item=listed.ravel(),
        substitute_score=np.linspace(1, 0.1, listed.size, dtype=np.float32),
    )
