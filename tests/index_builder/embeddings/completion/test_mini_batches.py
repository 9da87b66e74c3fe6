"""What mini-batches hold, and how often."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.config import TrainConfig
from index_builder.embeddings.completion.mini_batches import MiniBatch, Sampler
from index_builder.embeddings.embeddings import TrainingError
from index_builder.transactions.encoded.encoding import EncodedBaskets
from tests.data.encoded import encoded

N_ITEMS = 8

some_baskets = st.lists(
    st.lists(st.integers(0, N_ITEMS - 1), min_size=1, max_size=N_ITEMS, unique=True).map(sorted),
    min_size=1,
    max_size=12,
)


def sampler(
    baskets: EncodedBaskets, n_items: int = N_ITEMS, n_users: int = 1, **completion: float
) -> Sampler:
    config = TrainConfig.model_validate({"seed": 1, "completion": completion})
    return Sampler(baskets, n_items, n_users, config)


def items_of(batch: MiniBatch) -> list[tuple[list[int], list[int]]]:
    """The hidden and the given items of each basket."""
    items = batch.rows[batch.places]
    return [
        (
            items[start:stop][batch.hidden[start:stop]].tolist(),
            items[start:stop][~batch.hidden[start:stop]].tolist(),
        )
        for start, stop in pairwise(batch.indptr.tolist())
    ]


@settings(max_examples=40, deadline=None)
@given(baskets=some_baskets, batch_baskets=st.integers(1, 9), sampled_items=st.integers(1, 9))
def test_each_basket_of_two_items_or_more_comes_equally_often_a_part_of_it_hidden(
    baskets: list[list[int]], batch_baskets: int, sampled_items: int
) -> None:
    several = [number for number, basket in enumerate(baskets) if len(basket) > 1]
    world = encoded(baskets, [0] * len(baskets))
    if not several:
        with pytest.raises(TrainingError, match="two items or more"):
            sampler(world)
        return
    drawn = sampler(world, batch_baskets=batch_baskets, sampled_items=sampled_items)
    epoch = list(drawn.epoch())
    assert len(epoch) == drawn.steps >= 200
    count = np.bincount(np.concatenate([batch.baskets for batch in epoch]))
    assert np.flatnonzero(count).tolist() == several
    assert len(set(count[several])) == 1
    for batch in epoch[:5]:
        assert len(batch.baskets) <= batch_baskets
        assert (batch.place_of[batch.rows] == np.arange(len(batch.rows))).all()
        assert (batch.place_of >= 0).sum() == len(batch.rows)
        parts = items_of(batch)
        for basket, (hidden, shown) in zip(batch.baskets.tolist(), parts, strict=True):
            assert sorted(hidden + shown) == baskets[basket]
            assert hidden
            assert shown
            assert set(hidden) <= set(batch.rows[: batch.choices].tolist())
        given_items = batch.rows[batch.given_place].tolist()
        assert given_items == [item for _, shown in parts for item in shown]
        assert batch.given_basket.tolist() == [
            row for row, (_, shown) in enumerate(parts) for _ in shown
        ]
        np.testing.assert_allclose(
            batch.given_weight, [len(shown) ** -0.5 for _, shown in parts for _ in shown], rtol=1e-6
        )


@pytest.mark.parametrize(("share", "hidden"), [(0.0, 1), (0.5, 4), (1.0, 7)])
def test_the_share_of_hidden_items_is_as_configured(share: float, hidden: int) -> None:
    world = encoded([list(range(8))] * 10, [0] * 10)
    drawn = sampler(world, least_hidden=share, most_hidden=share)
    for batch in drawn.epoch():
        assert [len(found) for found, _ in items_of(batch)] == [hidden] * len(batch.baskets)


@pytest.mark.parametrize("share", [0, 1])
def test_strangers_and_guests_are_unknown_and_the_habit_is_drawn_apart(share: int) -> None:
    world = encoded([[0, 1]] * 3, users=[0, 1, 2])
    drawn = sampler(world, n_users=2, stranger_share=share, habit_share=1 - share)
    for batch in drawn.epoch():
        assert batch.known.tolist() == [not share and basket < 2 for basket in batch.baskets]
        assert batch.beside_habit.tolist() == [not share] * len(batch.baskets)


def test_all_of_a_small_catalogue_are_choices() -> None:
    drawn = sampler(encoded([[0, 1]], [0]), sampled_items=N_ITEMS)
    assert (drawn.correction == 0).all()
    for batch in drawn.epoch():
        assert batch.rows.tolist() == list(range(N_ITEMS))
        assert batch.choices == N_ITEMS


def test_the_correction_says_how_often_an_item_is_a_choice() -> None:
    n_items, random = 60, np.random.default_rng(0)
    popularity = 1 / np.arange(1, n_items)  # the last item is in no basket
    baskets = [
        random.choice(n_items - 1, 4, replace=False, p=popularity / popularity.sum()).tolist()
        for _ in range(800)
    ]
    drawn = sampler(encoded(baskets, [0] * 800), n_items, sampled_items=10)
    times, batches = np.zeros(n_items), 0
    for _ in range(10):
        for batch in drawn.epoch():
            times[batch.rows[: batch.choices]] += 1
            batches += 1
    share = np.exp(-drawn.correction.astype(float))
    assert share[0] > 2 * share[-1]
    np.testing.assert_allclose(times / batches, share, atol=0.06)
