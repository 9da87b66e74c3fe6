"""All opponents, in a shop where every user stays in one aisle."""

import sys
from datetime import datetime, timedelta
from importlib import import_module

import polars as pl
import pytest
from rich.console import Console

from index_builder.config import TrainConfig
from index_builder.evaluation.baselines.blend import blend, weighted_sum
from index_builder.evaluation.baselines.methods.ease import ease_weights
from index_builder.evaluation.baselines.methods.item_knn import item_knn
from index_builder.evaluation.baselines.methods.linear import of_basket, of_history
from index_builder.evaluation.baselines.methods.neighbourhood_ridge import ridge_weights
from index_builder.evaluation.baselines.methods.published import (
    rtt2vec,
    train_published,
    triple2vec,
    triple2vec_without_user,
)
from index_builder.evaluation.baselines.methods.skip_gram import (
    bb2vec,
    gensim_is_installed,
    item2vec,
    skip_gram,
)
from index_builder.evaluation.baselines.methods.tifu_knn import tifu_knn
from index_builder.evaluation.baselines.methods.up_cf import up_cf
from index_builder.evaluation.baselines.opponent import Opponent
from index_builder.evaluation.baselines.opponents import opponents
from index_builder.measuring.purchases import recency_frequency
from index_builder.measuring.quality import K
from index_builder.measuring.scorer import top
from index_builder.transactions.encoded.encoding import encode
from index_builder.transactions.transactions import Transactions
from tests.data.held_out import basket
from tests.data.relined import with_lines
from tests.data.tiny_bundle import N_ITEMS
from tests.data.tiny_shop import END

NAMES = [
    "item popularity",
    "user frequency",
    "user recency frequency",
    "item-kNN",
    "neighbourhood ridge",
    "EASE",
    "item-kNN + recency",
    "neighbourhood ridge + recency",
    "EASE + recency",
    "EASE of basket and history + recency",
    "TIFU-KNN",
    "UP-CF",
    "item2vec",
    "BB2vec",
    "triple2vec without user",
    "triple2vec",
    "RTT2Vec as published",
]
CONFIG = TrainConfig(threads=1)
LATEST = END - timedelta(days=10)


def fitted(transactions: Transactions, as_of: datetime = LATEST) -> tuple[dict[str, Opponent], str]:
    """All opponents by name, and what the console said."""
    console = Console(width=200)
    with console.capture() as capture:
        found = list(opponents(encode(transactions, None, 1, as_of), as_of, CONFIG, console))
    return {each.name: each for each in found}, capture.get()


@pytest.fixture(scope="module")
def methods(transactions: Transactions) -> dict[str, Opponent]:
    return fitted(transactions)[0]


def aisle_of(transactions: Transactions) -> list[int]:
    """The aisle of each item index."""
    items = encode(transactions, None, 1, LATEST).items["item_id"]
    return [int(item.removeprefix("item-")) % 2 for item in items]


@pytest.mark.skipif(not gensim_is_installed(), reason="gensim is not installed")
def test_they_come_in_the_order_of_the_table(methods: dict[str, Opponent]) -> None:
    assert list(methods) == NAMES


def test_methods_that_use_basket_or_user_stay_in_the_aisle(
    methods: dict[str, Opponent], transactions: Transactions
) -> None:
    aisle = aisle_of(transactions)
    for home, user in ((0, 1), (1, 4)):  # users 0 to 2 buy even items, 3 to 5 odd ones
        own = [item for item in range(N_ITEMS) if aisle[item] == home]
        for name, each in methods.items():
            ranked = list(each.rank(basket(own[:4], user)))
            inside = [item for item in ranked if aisle[item] == home]
            if name == "item popularity":
                assert len(inside) < 16
            else:
                assert ranked[:16] == inside, name


def test_neither_targets_nor_the_order_of_the_basket_count(methods: dict[str, Opponent]) -> None:
    for each in methods.values():
        ranked = each.rank(basket([3, 8, 21, 0], 2, targets=(5, 6)))
        assert len(set(ranked)) == len(ranked) == K
        assert not set(ranked) & {3, 8, 21, 0}
        assert ranked == each.rank(basket([0, 21, 3, 8], 2, targets=(30,)))


def test_nothing_at_or_after_the_cut_counts(
    methods: dict[str, Opponent], transactions: Transactions
) -> None:
    later = pl.col("begun_at") >= LATEST
    mixed = transactions.lines.with_columns(
        item_id=pl.when(later).then(pl.lit("item-7")).otherwise("item_id"),
        user_id=pl.when(later).then(pl.lit("user-1")).otherwise("user_id"),
    )
    others, _ = fitted(with_lines(mixed))
    for name, each in methods.items():
        assert others[name].settings == each.settings
        for user in range(6):
            given = basket([user, 9, 17], user)
            assert others[name].rank(given) == each.rank(given), name


def test_chosen_settings_are_shown(transactions: Transactions) -> None:
    methods, said = fitted(transactions)
    assert not methods["item popularity"].settings
    for name in NAMES[2:]:
        if name in methods:
            assert f"{name}: {methods[name].settings}" in said
            assert any(letter.isdigit() for letter in methods[name].settings)


def test_a_catalogue_too_large_for_ease_goes_without_it(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        import_module("index_builder.evaluation.baselines.counted"), "MOST_ITEMS", 39
    )
    methods, said = fitted(transactions)
    assert "EASE is left out: 40 items, its matrix is for 39 at most" in said
    assert [name for name in methods if "EASE" in name] == []
    assert "item-kNN + recency" in methods


def test_without_gensim_its_rows_are_left_out(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gensim", None)
    methods, said = fitted(transactions)
    assert "item2vec and BB2vec are left out: gensim is not installed" in said
    assert list(methods) == [name for name in NAMES if name not in ("item2vec", "BB2vec")]


def test_a_record_too_short_to_tune_on_gets_the_defaults_fitted_on_all_of_it(
    transactions: Transactions,
) -> None:
    as_of = END - timedelta(days=84)
    methods, _ = fitted(transactions, as_of)
    encoded = encode(transactions, None, 1, as_of)
    recency, knn = recency_frequency(encoded, 60), item_knn(encoded, 5)
    ridge, weights = of_basket(ridge_weights(encoded, 50)), ease_weights(encoded, 100)
    linear, history = of_basket(weights), of_history(weights, encoded, 60)
    vectors = train_published(encoded, CONFIG, epochs=4)
    expected = {
        "user recency frequency": recency,
        "item-kNN": knn,
        "neighbourhood ridge": ridge,
        "EASE": linear,
        "item-kNN + recency": blend(knn, recency),
        "neighbourhood ridge + recency": blend(ridge, recency),
        "EASE + recency": blend(linear, recency),
        "EASE of basket and history + recency": blend(weighted_sum(linear, history), recency),
        "TIFU-KNN": tifu_knn(encoded),
        "UP-CF": up_cf(encoded),
        "triple2vec without user": triple2vec_without_user(vectors),
        "triple2vec": triple2vec(vectors),
        "RTT2Vec as published": rtt2vec(vectors),
    }
    if gensim_is_installed():
        words = skip_gram(encoded, 0.75, threads=1)
        expected |= {"item2vec": item2vec(words), "BB2vec": bb2vec(words)}
    assert list(methods) == [name for name in NAMES if name in expected or name in NAMES[:2]]
    for name, scorer in expected.items():
        for user in range(6):
            given = basket([user, 9, 17], user)
            assert methods[name].rank(given) == top(scorer)(given), name
