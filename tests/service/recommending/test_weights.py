"""The weights, in and out of a manifest."""

import pytest

from service.bundle.errors import BundleError
from service.recommending.weights import Weights

WEIGHTS = Weights(user=0.5, popularity=2, history=4)


def test_weights_survive_the_manifest() -> None:
    other = Weights(user=0, popularity=0, history=0, basket_exponent=0.5)
    serving = WEIGHTS.write() | other.write("vectors_")
    assert Weights.read(serving) == WEIGHTS
    assert Weights.read(serving, "vectors_") == other


def test_a_manifest_without_an_exponent_means_the_mean() -> None:
    serving = {"user_weight": 1.0, "popularity_weight": 1.0, "history_weight": 1.0}
    assert Weights.read(serving).basket_exponent == 1


@pytest.mark.parametrize(
    "serving",
    [
        {"user_weight": 1.0, "popularity_weight": 1.0},
        {"user_weight": 1.0, "popularity_weight": "much", "history_weight": 1.0},
    ],
)
def test_a_manifest_without_the_weights_is_refused(serving: dict[str, float | str]) -> None:
    with pytest.raises(BundleError, match=r"serving: expected .*history_weight, found .*Build"):
        Weights.read(serving)
