"""Adam, against the same in plain Python."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from index_builder.embeddings.completion.adam import Adam
from service.support.arrays.array_types import Float32, Int64


def moved(table: Float32, rows: Int64, gradients: list[Float32], decay: float) -> Float32:
    """The table after a step for each gradient, at the rate 0.1."""
    adam = Adam(table.copy(), decay)
    with ThreadPoolExecutor(2) as pool:
        for number, gradient in enumerate(gradients, start=1):
            adam.step(rows, gradient, number, 0.1, pool)
    return adam.table


@pytest.mark.parametrize("n_rows", [4, 2000])
def test_steps_follow_the_paper_and_leave_other_rows_alone(n_rows: int) -> None:
    random = np.random.default_rng(0)
    before = random.standard_normal((n_rows, 3)).astype(np.float32)
    rows: Int64 = random.permutation(n_rows)[: n_rows // 2]
    gradients = [random.standard_normal((len(rows), 3)).astype(np.float32) for _ in range(3)]
    table = moved(before, rows, gradients, decay=0.5)
    plain, mean, square = before[rows].astype(float), np.zeros(3), np.zeros(3)
    for number, gradient in enumerate(gradients, start=1):
        slope = gradient + 0.5 * plain
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        root = np.sqrt(square / (1 - 0.999**number)) + 1e-8
        plain -= 0.1 * mean / (1 - 0.9**number) / root
    np.testing.assert_allclose(table[rows], plain, rtol=1e-4, atol=1e-5)
    untouched = np.setdiff1d(np.arange(n_rows), rows)
    assert len(untouched)
    np.testing.assert_array_equal(table[untouched], before[untouched])


def test_without_a_gradient_the_decay_alone_draws_rows_to_zero() -> None:
    table = np.array([[1], [-1]], np.float32)
    still = [np.zeros((2, 1), np.float32)] * 5
    assert (moved(table, np.arange(2), still, decay=0) == table).all()
    shrunk = moved(table, np.arange(2), still, decay=0.01)
    # Each of these steps is as long as the rate, whatever the decay.
    np.testing.assert_allclose(shrunk, [[0.5], [-0.5]], atol=0.05)
