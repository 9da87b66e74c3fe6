"""The check of trained vectors."""

import numpy as np
import pytest

from index_builder.embeddings.embeddings import Embeddings, TrainingError, check
from service.support.arrays.array_types import Float32


def test_vectors_that_are_not_usable_are_refused() -> None:
    random = np.random.default_rng(0)
    fit = {name: random.standard_normal((50, 8)).astype(np.float32) for name in "pqh"}

    def checked(**changes: Float32) -> None:
        tables = fit | changes
        check(Embeddings(tables["p"], tables["q"], tables["h"]))

    checked()
    for table, name in (("p", "item_p"), ("q", "item_q"), ("h", "user_h")):
        broken = fit[table].copy()
        broken[3, 1], broken[7, 2] = np.nan, np.inf
        with pytest.raises(TrainingError, match=f"{name}: .*found 2 rows.*learning rate"):
            checked(**{table: broken})
    for table, name in (("p", "item_p"), ("q", "item_q")):
        alike = (np.ones((50, 8)) + 0.01 * fit[table]).astype(np.float32)
        with pytest.raises(TrainingError, match=rf"{name}: .*mean cosine of 1\.000"):
            checked(**{table: alike})
