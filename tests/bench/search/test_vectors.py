"""A grown catalogue: more rows of the same kind."""

import numpy as np

from bench.search.vectors import grown
from service.support.arrays.array_types import Float32


def trained(n: int = 3000, width: int = 24) -> Float32:
    """Rows in 40 clusters, of different lengths, the most popular first."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, width))
    vectors = centres[rng.integers(40, size=n)] + rng.standard_normal((n, width))
    vectors *= rng.lognormal(0, 0.4, (n, 1))
    popularity = np.sort(rng.standard_normal(n))[::-1]
    return np.column_stack([vectors, popularity]).astype(np.float32)


def norms(rows: Float32) -> Float32:
    return np.asarray(np.linalg.norm(rows[:, :-1], axis=1), np.float32)


def nearest_cosine(rows: Float32) -> float:
    """Mean cosine of 300 rows with the row nearest to each."""
    unit = rows[:, :-1] / norms(rows)[:, np.newaxis]
    some = np.random.default_rng(1).choice(len(rows), 300, replace=False)
    cosines = unit[some] @ unit.T
    cosines[np.arange(300), some] = -1
    return float(cosines.max(axis=1).mean())


def test_norms_popularity_and_neighbourhoods_stay_what_they_are() -> None:
    rows = trained()
    larger = grown(rows, 12_000)
    assert (larger.shape, larger.dtype) == ((12_000, 25), np.dtype("float32"))
    shares = np.linspace(0.01, 0.99, 15)
    np.testing.assert_allclose(
        np.quantile(norms(larger), shares), np.quantile(norms(rows), shares), rtol=0.08
    )
    assert (np.diff(larger[:, -1]) <= 0).all()
    assert set(larger[:, -1]) <= set(rows[:, -1])
    # Of as many rows: more of them are nearer to each other, as in a fuller shelf.
    assert abs(nearest_cosine(grown(rows, len(rows))) - nearest_cosine(rows)) < 0.1
    # No copies, but of rows that are alone in their cluster.
    assert len(np.unique(larger, axis=0)) > 0.98 * 12_000


def test_the_same_seed_grows_the_same() -> None:
    rows = trained()
    np.testing.assert_array_equal(grown(rows, 500, seed=3), grown(rows, 500, seed=3))
    assert (grown(rows, 500, seed=3) != grown(rows, 500, seed=4)).any()


def test_any_size_can_be_asked_for() -> None:
    for size in (1, 50, 4000):
        assert grown(trained(20), size).shape == (size, 25)
