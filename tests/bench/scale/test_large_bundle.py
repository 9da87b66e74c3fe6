"""The bundle of many users that serving is measured with."""

from pathlib import Path

import numpy as np

from bench.scale.large_bundle import write_large_bundle
from service.bundle.bundle import load_bundle
from service.recommending.recommender import Recommender
from service.serving.example_requests import example_requests


def test_a_large_bundle_is_valid_and_answers(ranked_bundle: Path, tmp_path: Path) -> None:
    like = load_bundle(ranked_bundle)
    n_items = 2 * len(like.catalogue)
    large = load_bundle(write_large_bundle(tmp_path, like, 500, n_items))
    assert (len(large.user_ids), len(large.catalogue)) == (500, n_items)
    assert large.user_ids == sorted(large.user_ids)
    assert np.diff(large.history_indptr).min() >= 20
    recommender = Recommender(large)
    for request in example_requests(large, 5):
        assert len(recommender.recommend(request).items) == request.k
