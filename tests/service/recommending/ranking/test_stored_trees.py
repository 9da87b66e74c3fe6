"""Bundles with trees load for ever: their columns are found by name."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.bundle.bundle import Bundle, load_bundle
from service.bundle.errors import BundleError
from service.recommending.aggregate import PARTS
from service.recommending.basket_score.scorer import BasketScorer
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.ranker import Ranker
from service.recommending.recommender import Recommender
from service.support.arrays.array_types import Float32, Int32
from tests.data.by_score import by_score
from tests.data.requests import a_request

HOME = Path(__file__).parents[3] / "data" / "bundle-v1-ranked"
# Every item is a candidate: later releases find them in other ways.
SETTINGS = by_score(search="mean", search_candidates=1000, anchor_limit=100)


@cache
def old_bundle() -> Bundle:
    """A bundle with ranker and basket score as release 0.1 wrote it."""
    (directory,) = (path for path in HOME.iterdir() if path.is_dir())
    return load_bundle(directory)


ANSWERS: list[dict[str, Any]] = json.loads((HOME / "answers.json").read_text())


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_old_bundle_scores_as_its_release_did(answer: dict[str, Any]) -> None:
    user, basket, wanted = answer["user_id"], answer["basket"], answer["recommended"]
    recommender = Recommender(old_bundle(), SETTINGS)
    request = a_request(user, basket, len(old_bundle().catalogue), explain=True)
    items = {item.item_id: item for item in recommender.recommend(request).items}
    for each in wanted:
        item = items[each["item_id"]]
        assert item.reasons
        parts = [item.reasons[part] for part in PARTS]
        near([item.score, *parts], [each["score"], *(each[part] for part in PARTS)])
    found = BasketScorer(old_bundle()).score(user, basket)
    near([found.score, found.population_score], [answer["score"], answer["population_score"]])
    near([item.contribution for item in found.items], answer["contributions"])


def near(found: list[Any], wanted: list[Any]) -> None:
    """Assert that numbers agree, and that None stands at the same places."""
    np.testing.assert_allclose(np.array(found, float), np.array(wanted, float), 1e-4, 1e-6)


NAMES = str(old_bundle().manifest.serving["features"]).split()
FEATURE = old_bundle().required("tree_feature", "a test")


def trained_on(names: list[str], feature: Int32 = FEATURE) -> Bundle:
    """The old bundle, as if its ranker had been trained on columns of these names."""
    bundle = old_bundle()
    serving = {**bundle.manifest.serving, "features": " ".join(names)}
    manifest = bundle.manifest.model_copy(update={"serving": serving})
    return replace(bundle, manifest=manifest, tree_feature=feature)


def scores(bundle: Bundle) -> Float32:
    """The scores of random features, and their parts."""
    features = np.random.default_rng(0).lognormal(0, 3, (200, len(FEATURES))).astype(np.float32)
    ranker = Ranker(bundle)
    return np.stack([ranker.score(features), *ranker.parts(features).values()])


def test_columns_may_stand_in_any_order_and_unused_ones_may_be_unknown_or_missing() -> None:
    used = [NAMES[column] for column in np.unique(FEATURE[FEATURE >= 0])]
    assert len(used) < len(NAMES)
    names = [*np.random.default_rng(0).permutation(used).tolist(), "colour", "smell"]
    numbers = [names.index(name) if name in used else 0 for name in NAMES]
    shuffled = np.where(FEATURE < 0, -1, np.array(numbers, np.int32)[FEATURE])
    np.testing.assert_array_equal(scores(trained_on(names, shuffled)), scores(old_bundle()))


def test_trees_that_use_an_unknown_column_are_refused_with_the_remedy() -> None:
    names = ["colour" if column == FEATURE.max() else name for column, name in enumerate(NAMES)]
    refused = r"expected columns that this release computes, found colour. Install the release"
    with pytest.raises(BundleError, match=refused):
        Ranker(trained_on(names))


def test_trees_that_use_a_column_without_a_name_are_refused() -> None:
    with pytest.raises(BundleError, match=r"tree_feature.npy: expected numbers of the 2 columns"):
        Ranker(trained_on(["neighbour_sum", "neighbour_max"]))
