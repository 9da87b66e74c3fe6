"""Training examples: all candidates that were bought, and a share of the others."""

import numpy as np
import pytest

from index_builder.config import RankerConfig
from index_builder.ranker.training_examples import TrainingExamples, training_examples
from service.bundle.bundle import preview_bundle
from service.recommending.ranking.features import FEATURES
from tests.data.ranked_shop import CONFIG, shop


def examples(**changes: float) -> TrainingExamples:
    config = RankerConfig.model_validate(CONFIG.ranker.model_dump() | changes)
    return training_examples(preview_bundle(shop().contents), shop().held_out[:200], config, 0)


def test_every_basket_has_its_rows() -> None:
    found = examples(negative_share=1)
    assert found.features.shape == (len(found.labels), len(FEATURES))
    assert sum(found.sizes) == len(found.labels)
    assert len(found.sizes) == 200
    sizes = [len(basket.given) for basket in shop().held_out[:200]]
    first = np.concatenate([[0], np.cumsum(found.sizes)[:-1]])
    column = list(FEATURES).index("basket_size")
    assert found.features[first, column].tolist() == sizes


def test_bought_candidates_are_always_kept() -> None:
    everything, half = examples(negative_share=1), examples(negative_share=0.5)
    assert np.bincount(half.labels)[1:].tolist() == np.bincount(everything.labels)[1:].tolist()
    assert everything.labels.sum() > 0
    negatives = [(each.labels == 0).sum() for each in (everything, half)]
    assert negatives[1] / negatives[0] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("share", [0, 1])
def test_a_stranger_has_no_past(share: float) -> None:
    column = list(FEATURES).index("user_baskets")
    found = examples(stranger_share=share).features[:, column]
    assert (found == 0).all() if share else (found > 0).all()


def test_new_targets_have_their_own_label() -> None:
    found = examples(stranger_share=0)
    never = found.features[:, list(FEATURES).index("purchases")] == 0
    assert set(found.labels[never]) == {0, 2}
    assert set(found.labels[~never]) == {0, 1}
