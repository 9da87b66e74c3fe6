"""A build with new items: they are behind the others, and business rules can give them places."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from index_builder.build import build
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import Bundle, load_bundle
from service.business_rules.files import RuleFiles
from service.events.journal import Purchase
from service.profiles.updates import ProfileUpdates
from service.recommending.recommender import Recommender
from tests.data.requests import a_request
from tests.data.tiny_bundle import N_ITEMS
from tests.index_builder.conftest import QUICK

NEW = ["new cake", "new plant"]


@pytest.fixture(scope="module")
def bundle(
    tmp_path_factory: pytest.TempPathFactory, transactions: Transactions, products: pl.DataFrame
) -> Bundle:
    """The tiny shop, with two products that nobody has bought."""
    new = products.head(2).with_columns(
        item_id=pl.Series(NEW), name=pl.Series(NEW), category=pl.Series(["bakery", "garden"])
    )
    config = QUICK.model_copy(update={"new_items": True})
    everything, out = pl.concat([products, new]), tmp_path_factory.mktemp("new")
    return load_bundle(build(transactions, everything, config, out, None, Console(quiet=True)))


def test_they_are_behind_the_others(bundle: Bundle) -> None:
    assert bundle.catalogue.item_ids[N_ITEMS:] == NEW
    assert len(bundle.item_vectors) == N_ITEMS + 2
    assert bundle.item_count.tolist() == sorted(bundle.item_count.tolist(), reverse=True)


def test_they_can_be_recommended_and_asked_for(bundle: Bundle) -> None:
    recommender = Recommender(bundle)
    for request in (a_request("user-0", k=42), a_request("user-0", ["new plant"], 41)):
        answer = recommender.recommend(request)
        assert answer.unknown_items == []
        assert {each.item_id for each in answer.items} >= set(NEW) - set(request.basket)


def test_business_rules_give_them_places(bundle: Bundle, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n- {name: new, action: pin, place: 2, item: [new plant, new cake]}\n")
    files = RuleFiles(bundle.catalogue, rules, None)
    assert files.warnings == []
    answer = Recommender(bundle).recommend(a_request("user-0", k=3), rulebook=files.rulebook)
    assert answer.items[1].item_id in NEW


def test_a_live_purchase_of_one_counts(bundle: Bundle) -> None:
    later = bundle.manifest.cut_s + 3600
    bought = [Purchase("b", item, later) for item in ("new cake", "item-0")]
    profile = ProfileUpdates(bundle).profile("user-0", bought)
    assert profile is not None
    assert bundle.catalogue.index["new cake"] in profile.items
    answer = Recommender(bundle).recommend(a_request("user-0", ["item-2"], 41), profile=profile)
    assert all(np.isfinite(each.score) for each in answer.items)
    assert "new cake" in {each.item_id for each in answer.items}


def test_without_being_asked_for_they_stay_out(
    transactions: Transactions, products: pl.DataFrame, tmp_path: Path
) -> None:
    new = products.head(1).with_columns(item_id=pl.lit("new"))
    built = build(
        transactions, pl.concat([products, new]), QUICK, tmp_path, None, Console(quiet=True)
    )
    assert len(load_bundle(built).catalogue) == N_ITEMS
