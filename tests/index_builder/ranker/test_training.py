"""The ranker's training: trees that predict as LightGBM does, without leaks from the future."""

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from index_builder.build import build
from index_builder.config import RankerConfig
from index_builder.ranker.training import train_ranker
from index_builder.ranker.training_examples import training_examples
from index_builder.transactions.encoded.held_out import HeldOut
from index_builder.transactions.products import read_products
from index_builder.transactions.transactions import read_transactions
from service.bundle.bundle import load_bundle, preview_bundle
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.trees import Trees
from service.recommending.recommender import Recommender
from service.support.arrays.array_types import Float32
from tests.data.ranked_shop import CONFIG, CUT, lines, products, shop
from tests.data.requests import a_request


@pytest.fixture(scope="module")
def trained() -> tuple[Trees, lightgbm.Booster]:
    """The trees, and the booster that they were converted from."""
    boosters = []
    train = lightgbm.train

    def remember(*arguments: Any, **options: Any) -> lightgbm.Booster:
        boosters.append(train(*arguments, **options))
        return boosters[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lightgbm, "train", remember)
        trees = learn()
    return trees, boosters[0]


def learn(
    baskets: list[HeldOut] | None = None,
    config: RankerConfig = CONFIG.ranker,
    threads: int = 1,
    seed: int = 0,
) -> Trees:
    bundle = preview_bundle(shop().contents)
    examples = training_examples(bundle, baskets or shop().held_out, config, seed)
    return train_ranker([examples], config, threads, seed)


def seen() -> Float32:
    """The features of real requests."""
    recommender = Recommender(preview_bundle(shop().contents))
    matrices = []
    for user in (None, *shop().encoded.user_ids[:10]):
        matrix = recommender.shortlist(
            a_request(user, ["item-01", "item-10", "item-31"], 0)
        ).features
        assert matrix is not None
        matrices.append(matrix)
    return np.concatenate(matrices)


def assert_same(trees: Trees, booster: lightgbm.Booster, features: Float32) -> None:
    np.testing.assert_allclose(
        trees.predict(features), booster.predict(features), rtol=1e-5, atol=1e-5
    )


def equal(some: Trees, others: Trees) -> bool:
    return all(np.array_equal(vars(some)[name], vars(others)[name]) for name in vars(some))


def test_the_trees_predict_what_lightgbm_predicts(
    trained: tuple[Trees, lightgbm.Booster],
) -> None:
    trees, booster = trained
    assert len(trees.roots) == CONFIG.ranker.trees
    assert (trees.feature < len(FEATURES)).all()
    real = seen()
    assert np.ptp(trees.predict(real)) > 0
    assert_same(trees, booster, real)
    # Values shuffled between rows, then numbers of all magnitudes.
    random = np.random.default_rng(1)
    assert_same(trees, booster, random.permuted(np.tile(real, (9, 1)), axis=0))
    wide = random.standard_normal((20_000, len(FEATURES))) * 10.0 ** random.integers(
        -40, 6, len(FEATURES)
    )
    assert_same(trees, booster, wide.astype(np.float32))


def test_a_feature_at_the_threshold_goes_the_same_way(
    trained: tuple[Trees, lightgbm.Booster],
) -> None:
    trees, booster = trained
    # LightGBM reads numbers up to 1e-35 as 0, and splits there.
    inner = (trees.feature >= 0) & (np.abs(trees.threshold) > 1e-30)
    columns, at = trees.feature[inner], trees.threshold[inner]
    up, down = np.nextafter(at, np.float32(np.inf)), np.nextafter(at, np.float32(-np.inf))
    random = np.random.default_rng(2)
    rows = random.permuted(seen(), axis=0)[: len(at)]
    rows = rows[random.integers(len(rows), size=len(at))]
    for values in (at, up, down):
        touched = rows.copy()
        touched[np.arange(len(at)), columns] = values
        assert_same(trees, booster, touched)
    # All features at one of their thresholds at once.
    for values in (at, up, down):
        crowded = random.permuted(seen(), axis=0)[:200]
        for column in np.unique(columns):
            crowded[:, column] = random.choice(values[columns == column], len(crowded))
        assert_same(trees, booster, crowded)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 1.0, 30.0, 1e4]))
def test_any_features(trained: tuple[Trees, lightgbm.Booster], seed: int, scale: float) -> None:
    trees, booster = trained
    features = np.random.default_rng(seed).standard_normal((300, len(FEATURES))) * scale
    rounded = np.round(features).astype(np.float32)  # zeros and ties
    assert_same(trees, booster, features.astype(np.float32))
    assert_same(trees, booster, rounded)


def test_contributions_sum_to_the_score(trained: tuple[Trees, lightgbm.Booster]) -> None:
    trees, _ = trained
    parts = trees.contributions(seen())
    assert parts.shape == (len(seen()), len(FEATURES) + 1)
    np.testing.assert_allclose(parts.sum(axis=1), trees.predict(seen()), rtol=1e-4, atol=1e-4)
    unused = np.setdiff1d(np.arange(len(FEATURES)), trees.feature)
    assert not parts[:, unused].any()


def test_the_trees_depend_only_on_the_seed(trained: tuple[Trees, lightgbm.Booster]) -> None:
    trees, _ = trained
    assert equal(learn(threads=1), trees)
    assert equal(learn(threads=2), trees)
    assert not equal(learn(seed=1), trees)  # other baskets count as a stranger's


def test_easy_targets_come_first() -> None:
    """Users who always buy the same: the number of purchases identifies the targets."""
    bundle = preview_bundle(shop().contents)
    recommender = Recommender(bundle)
    item_ids = bundle.catalogue.item_ids
    column = list(FEATURES).index("purchases")
    baskets = []
    for user, user_id in enumerate(bundle.user_ids):
        for first in range(0, 40, 4):
            given_items = np.arange(first, first + 4, dtype=np.int32)
            asked = [item_ids[item] for item in given_items]
            listed = recommender.shortlist(a_request(user_id, asked, 0))
            candidates, features = listed.candidates, listed.features
            assert features is not None
            best = np.argsort(-features[:, column], kind="stable")[:2]
            baskets.append(HeldOut(user, given_items, candidates.items[best]))
    config = RankerConfig(trees=40, leaves=7, min_leaf_candidates=5, stranger_share=0)
    trees = learn(baskets, config)
    hits = []
    for basket in baskets:
        asked = [item_ids[item] for item in basket.given]
        listed = recommender.shortlist(a_request(bundle.user_ids[basket.user], asked, 0))
        candidates, features = listed.candidates, listed.features
        assert features is not None
        best = np.argsort(-trees.predict(features), kind="stable")[:2]
        hits.append(np.isin(basket.targets, candidates.items[best]).mean())
    assert np.mean(hits) > 0.9


def test_without_targets_among_the_candidates_all_scores_are_equal() -> None:
    """This is no error: every tree has a single leaf."""
    nothing = np.empty(0, np.int32)
    trees = learn([HeldOut(each.user, each.given, nothing) for each in shop().held_out[:60]])
    assert np.ptp(trees.predict(seen())) == 0
    assert trees.contributions(seen()).shape == (len(seen()), len(FEATURES) + 1)


def test_no_target_reaches_the_features() -> None:
    """With other targets, features stay and labels change."""
    some = shop().held_out[:80]
    others = [
        HeldOut(each.user, each.given, np.setdiff1d(np.arange(9, dtype=np.int32), each.given))
        for each in some
    ]
    config = CONFIG.ranker.model_copy(update={"negative_share": 1.0})
    bundle = preview_bundle(shop().contents)
    examples, other = (training_examples(bundle, baskets, config, 0) for baskets in (some, others))
    np.testing.assert_array_equal(examples.features, other.features)
    assert examples.labels.sum() > 0
    assert (examples.labels != other.labels).any()


def built(directory: Path, table: pl.DataFrame) -> Path:
    directory.mkdir()
    table.write_parquet(directory / "transactions.parquet")
    products().write_csv(directory / "products.csv")
    return build(
        read_transactions(directory / "transactions.parquet"),
        read_products(directory / "products.csv"),
        CONFIG,
        directory / "bundles",
        CUT,
        Console(quiet=True),
    )


def test_nothing_at_or_after_the_cut_reaches_the_bundle(tmp_path: Path) -> None:
    table = lines()
    before, after = (
        table.filter(pl.col("timestamp") < CUT),
        table.filter(pl.col("timestamp") >= CUT),
    )
    assert after.height > 100
    bundle = load_bundle(built(tmp_path / "a", table))
    assert bundle.manifest.serving["ranking"] == "trees"
    assert bundle.past_begun is not None
    assert bundle.past_begun.max() < CUT.timestamp()
    shuffled = (
        after.with_columns(
            pl.col("user_id").shuffle(1),
            pl.col("item_id").shuffle(2),
            basket_id="x" + pl.col("basket_id"),
        )
        .with_columns(timestamp=pl.lit(CUT))
        .unique(["basket_id", "item_id"])
    )
    shuffled = shuffled.with_columns(pl.col("user_id").first().over("basket_id"))
    newcomers = shuffled.with_columns(
        ("new-" + pl.col(name)).alias(name) for name in ("user_id", "basket_id", "item_id")
    )
    other = load_bundle(built(tmp_path / "b", pl.concat([newcomers, shuffled, before])))
    assert other.bundle_id == bundle.bundle_id
