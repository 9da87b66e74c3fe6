"""The weights of neighbours, against a ridge regression written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.statistics.neighbour_weights import neighbour_weights
from index_builder.statistics.neighbours import neighbours
from tests.data.encoded import trained

N_ITEMS = 7
BASKETS = st.lists(st.sets(st.integers(0, N_ITEMS - 1), min_size=1), min_size=1, max_size=30)


@settings(max_examples=60)
@given(baskets=BASKETS, limit=st.integers(1, N_ITEMS), regularisation=st.floats(0.5, 100))
def test_each_item_is_predicted_by_its_neighbours_alone(
    baskets: list[set[int]], limit: int, regularisation: float
) -> None:
    world = trained([sorted(basket) for basket in baskets], N_ITEMS)
    near = neighbours(world, limit)
    found = neighbour_weights(world, near, regularisation)
    assert found.to.dtype == found.back.dtype == np.float32
    bought = np.array([[item in basket for item in range(N_ITEMS)] for basket in baskets], float)
    together = bought.T @ bought
    rows = [
        near.item[start:stop] for start, stop in zip(near.indptr, near.indptr[1:], strict=False)
    ]
    weight = np.zeros((N_ITEMS, N_ITEMS))
    for target, of_target in enumerate(rows):
        inner = together[np.ix_(of_target, of_target)] + regularisation * np.eye(len(of_target))
        weight[of_target, target] = np.linalg.solve(inner, together[of_target, target])
    pairs = [(item, other) for item, row in enumerate(rows) for other in row]
    assert found.to == pytest.approx([weight[item, other] for item, other in pairs], abs=1e-4)
    assert found.back == pytest.approx([weight[other, item] for item, other in pairs], abs=1e-4)


def test_what_two_neighbours_have_in_common_counts_once() -> None:
    # Bread and rolls are always bought together, with butter: each alone has the cosine of both.
    world = trained([[0, 1, 2]] * 20 + [[3]] * 5, 4)
    near = neighbours(world, 3)
    of_bread = neighbour_weights(world, near, 1e-3).to[: near.indptr[1]]
    assert near.item[: near.indptr[1]].tolist() == [1, 2]
    assert of_bread == pytest.approx([0.5, 0.5], abs=0.01)
