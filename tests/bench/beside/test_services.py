"""Ours beside a plain service of `implicit`, and quality through HTTP."""

import sys
from pathlib import Path

import numpy as np
import pytest

from bench.beside import tuning
from bench.beside.als import Als, AlsSettings
from bench.beside.services import OTHER, OURS, Shop, compare
from index_builder.evaluation.baselines.tuning import Slice, last_days
from index_builder.measuring.scorer import top
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float64, Int32
from tests.data.ranked_shop import CUT, shop

DAY_S = 86_400
SETTINGS = AlsSettings(factors=6, regularisation=2, alpha=0.7, half_life_days=20, basket_weight=3)


def figures(bundle: Path, requests: Path) -> dict[str, float]:
    """The figures of a short comparison."""
    bodies = requests.read_bytes().splitlines()
    world = Shop(bundle, shop().encoded, shop().held_out[:60], bodies)
    return {each.name: each.value for each in compare(world, 1, 0.2)}


def test_both_are_measured_and_ours_is_as_good_as_in_process(
    ranked_bundle: Path, requests: Path
) -> None:
    pytest.importorskip("implicit")
    found = figures(ranked_bundle, requests)
    assert found["failures beside others"] == 0
    for each in ("Recall@20", "NDCG@20"):
        assert found[f"{each} through HTTP, less that in process"] == 0
        assert 0 < found[f"{OTHER}, {each} through HTTP"] <= 1
        assert 0 < found[f"{OURS}, {each} through HTTP"] <= 1
    for name in (OURS, OTHER):
        assert found[f"{name}, throughput"] > 0
        assert 0 < found[f"{name}, p50"] <= found[f"{name}, p99"]
        assert found[f"{name}, memory"] > 0


def test_without_the_library_ours_is_measured_alone(
    ranked_bundle: Path,
    requests: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "implicit", None)
    found = figures(ranked_bundle, requests)
    assert found[f"{OURS}, throughput"] > 0
    assert not any(name.startswith(OTHER) for name in found)
    assert "left out implicit," in capsys.readouterr().err


def test_a_request_is_solved_from_purchases_and_basket(tmp_path: Path) -> None:
    pytest.importorskip("implicit")
    encoded = shop().encoded
    fitted = Als.fit(encoded, SETTINGS)
    fitted.save(tmp_path)
    user, basket = 3, np.array([5, 1, 30], np.int32)
    for model in (fitted, Als.load(tmp_path)):
        for whose in (user, None):
            items, scores = model.recommend(whose, basket, 10)
            expected = _scores(tmp_path, whose, basket)
            if whose is not None:
                held_out = HeldOut(whose, basket, np.array([0], np.int32))
                np.testing.assert_allclose(model.scores(held_out), expected, rtol=1e-3, atol=1e-5)
            expected[basket] = -np.inf
            assert items.tolist() == np.argsort(-expected)[:10].tolist()
            np.testing.assert_allclose(scores, expected[items], rtol=1e-3)


def _scores(folder: Path, user: int | None, basket: Int32) -> Float64:
    """The scores of all items, by the normal equations (Hu, Koren and Volinsky, 2008)."""
    encoded = shop().encoded
    vectors = np.load(folder / "model.npz")["item_factors"].astype(float)
    last = encoded.basket_begun.max()
    weight = np.zeros(encoded.n_items)
    for item, of in zip(encoded.basket_items, encoded.line_basket, strict=True):
        if encoded.basket_user[of] == user:
            age_days = (last - encoded.basket_begun[of]) / DAY_S
            weight[item] += 0.5 ** (age_days / SETTINGS.half_life_days)
    weight[basket] += SETTINGS.basket_weight
    weight *= SETTINGS.alpha
    square = vectors.T @ vectors + SETTINGS.regularisation * np.eye(SETTINGS.factors)
    square += vectors.T @ (np.where(weight > 0, weight - 1, 0)[:, np.newaxis] * vectors)
    scores: Float64 = vectors @ np.linalg.solve(square, vectors.T @ weight)
    return scores


def test_the_settings_are_those_that_recall_best(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("implicit")
    monkeypatch.setattr(tuning, "GRID", GRID)
    days = last_days(shop().encoded, CUT, 0)
    chosen = tuning.tune(days)
    found = {w: _recall(days, chosen._replace(basket_weight=w)) for w in (0.0, 5.0)}
    assert chosen._replace(basket_weight=5) == AlsSettings(6, 2, 0.7, 8, 30, 5)
    assert found[0] != found[5]
    assert found[chosen.basket_weight] == max(found.values())


GRID = {
    "factors": (6,),
    "regularisation": (2,),
    "alpha": (0.7,),
    "basket_weight": (0, 5),
    "half_life_days": (30,),
    "iterations": (8,),
}


def _recall(days: Slice, settings: AlsSettings) -> float:
    rank = top(Als.fit(days.past, settings).scores)
    return float(np.mean([np.isin(each.targets, rank(each)).mean() for each in days.baskets]))
