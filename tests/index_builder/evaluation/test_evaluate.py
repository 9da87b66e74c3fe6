"""The evaluation: opponents, ours, and the ablations, on the same baskets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from index_builder.evaluation.evaluate import OURS, evaluate, training_baskets
from index_builder.evaluation.left_out import LeftOut
from index_builder.evaluation.sweep import LAMBDAS, SUBSTITUTE_WEIGHTS, SweepPoint
from index_builder.measuring.list_diversity import ListDiversity
from index_builder.measuring.quality import K, Measured, measure, ranking_function
from index_builder.transactions.errors import OtherTransactionsError
from index_builder.transactions.transactions import read_transactions
from service.bundle.errors import BundleInvalidError
from service.recommending.ranking.features import FEATURES
from service.recommending.recommender import Recommender
from tests.data.evaluated_shop import N_BASKETS, built_shop, evaluated
from tests.data.ranked_shop import CONFIG, CUT, lines
from tests.data.requests import a_request

QUIET = Console(quiet=True)


def by_name() -> dict[str, Measured]:
    return {each.ablation.name: each.measured for each in evaluated().ablations}


def test_all_methods_are_measured_on_the_same_baskets_and_ours_comes_last() -> None:
    evaluation = evaluated()
    names = list(evaluation.methods)
    assert names[:2] == ["item popularity", "user frequency"]
    assert names[-1] == OURS
    assert len(names) > 3
    users = [basket.user for basket in evaluation.baskets]
    assert len(users) == N_BASKETS
    for measured in evaluation.methods.values():
        assert measured.users.tolist() == users


def test_ours_is_what_the_service_answers() -> None:
    shop, evaluation = built_shop(), evaluated()
    recommender = Recommender(shop.bundle)
    ours = measure(ranking_function(recommender, shop.bundle), shop.baskets, shop.bundle)
    assert (evaluation.methods[OURS].ranked == ours.ranked).all()
    for basket, scores in zip(shop.baskets[:5], evaluation.scores, strict=False):
        given = [shop.bundle.catalogue.item_ids[item] for item in basket.given]
        answer = recommender.recommend(a_request(shop.bundle.user_ids[basket.user], given, K))
        assert scores.tolist() == [each.score for each in answer.items]


@pytest.mark.parametrize(
    ("sweep", "setting"), [("diversity", LAMBDAS), ("demotion", SUBSTITUTE_WEIGHTS)]
)
def test_a_sweep_starts_at_the_neutral_value(sweep: str, setting: tuple[float, ...]) -> None:
    evaluation = evaluated()
    found: list[SweepPoint] = getattr(evaluation, sweep)
    assert [each.value for each in found] == list(setting)
    assert setting[0] == 1
    for each in found:
        assert each.measured.users.tolist() == evaluation.methods[OURS].users.tolist()
        assert each.diversity == ListDiversity.of(each.measured.ranked, evaluation.bundle)


def test_a_smaller_lambda_gives_more_diverse_lists() -> None:
    distances = [each.diversity.distance for each in evaluated().diversity]
    assert distances[-1] > distances[0] + 0.02
    assert distances == pytest.approx(sorted(distances), abs=0.01)


def test_quick_trains_nothing() -> None:
    evaluation = evaluated(quick=True)
    assert list(evaluation.methods) == ["item popularity", "user frequency", OURS]
    assert not evaluation.ablations


def test_every_ablation_stands_beside_something_that_was_measured() -> None:
    evaluation, names = evaluated(), list(by_name())
    assert len(set(names)) == len(names)
    served = evaluation.methods[OURS].quality  # the baskets are so few that the sample has them all
    for each in evaluation.ablations:
        if each.ablation.beside == "as served":
            assert each.beside.quality == served
        else:
            assert names.index(each.ablation.beside) <= names.index(each.ablation.name)
            assert each.beside is by_name()[each.ablation.beside]


def test_every_item_of_a_small_basket_is_an_anchor() -> None:
    measured, served = by_name(), evaluated().methods[OURS]
    assert (measured["every item an anchor"].ranked == served.ranked).all()
    every, half = measured["blended, every item an anchor"], measured["blended, half of the items"]
    assert (every.ranked == measured["no ranker: the blended score"].ranked).all()
    assert (half.ranked != every.ranked).any()


def test_either_direction_alone_ranks_otherwise_than_both() -> None:
    measured = by_name()
    both = measured["Eq. 4: both directions"]
    for name in ("p_j·(q_i + h_u) alone", "q_j·(p_i + h_u) alone"):
        assert (measured[name].ranked != both.ranked).any()


def test_the_kind_of_search_changes_few_answers() -> None:
    served = evaluated().methods[OURS].ranked
    assert (by_name()["one search for the mean"].ranked[:, 0] == served[:, 0]).mean() > 0.9


def test_without_the_user_the_answer_is_a_strangers() -> None:
    shop = built_shop()
    recommender = Recommender(shop.bundle)
    for basket, ranked in zip(
        shop.baskets[:5], by_name()["no shopper: a stranger's answer"].ranked, strict=False
    ):
        given = [shop.bundle.catalogue.item_ids[item] for item in basket.given]
        answer = recommender.recommend(a_request(None, given, K))
        assert ranked.tolist() == [each.item_index for each in answer.items]


def test_a_ranker_without_vectors_asks_nothing_of_them() -> None:
    shop = built_shop()
    blind = LeftOut(shop.bundle, shop.transactions, CONFIG, QUIET).vectors()
    assert not blind.item_vectors[:, :-1].any()
    assert (blind.item_vectors[:, -1] == shop.bundle.item_vectors[:, -1]).all()
    assert not blind.user_h.any()
    names = list(FEATURES)
    assert blind.tree_feature is not None
    asked = {names[feature] for feature in blind.tree_feature if feature >= 0}
    assert asked
    assert not any("cohesion" in name for name in asked)
    assert (shop.bundle.item_vectors[:, :-1] != 0).any()


def test_the_training_baskets_are_those_of_the_bundle() -> None:
    shop = built_shop()
    encoded = training_baskets(shop.bundle, shop.transactions, CONFIG.min_item_baskets)
    assert encoded.user_ids == shop.bundle.user_ids
    assert (encoded.item_count == shop.bundle.item_count).all()
    assert encoded.basket_begun.max() < (CUT - CUT.__class__(1970, 1, 1)).total_seconds()


@pytest.mark.parametrize("seed", [5, 6])
def test_other_transactions_are_refused(tmp_path: Path, seed: int) -> None:
    other = lines(seed)
    if seed == 5:  # the same shop, but for one basket
        other = other.filter(other["basket_id"] != "b00007")
    other.write_parquet(file := tmp_path / "other.parquet")
    shop = built_shop()
    with pytest.raises(OtherTransactionsError, match=r"other\.parquet: not what bundle \w+ was"):
        evaluate(shop.bundle, read_transactions(file), shop.baskets, 0, True, QUIET)


def test_training_baskets_do_not_depend_on_later_ones() -> None:
    shop = built_shop()
    before = shop.transactions.until(CUT)
    first = training_baskets(shop.bundle, before, CONFIG.min_item_baskets)
    second = training_baskets(shop.bundle, shop.transactions, CONFIG.min_item_baskets)
    assert np.array_equal(first.basket_items, second.basket_items)


def test_a_bundle_of_another_release_is_refused() -> None:
    shop = built_shop()
    manifest = shop.bundle.manifest.model_copy(update={"build": {"colour": "red"}})
    bundle = replace(shop.bundle, manifest=manifest)
    with pytest.raises(BundleInvalidError, match="a configuration of this release"):
        evaluate(bundle, shop.transactions, shop.baskets, 0, True, QUIET)
