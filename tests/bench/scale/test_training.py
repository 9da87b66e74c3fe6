"""The measurement of training at size, on a small shop."""

from bench.scale.baskets import random_baskets
from bench.scale.training import measure_training


def test_training_is_measured() -> None:
    speed, share, memory = measure_training(300, 50, 20_000)
    assert speed.value > 0
    assert 0 < share.value <= 1
    assert memory.value > 1
    assert speed.under["triples"] == 20_000


def test_random_baskets_hold_distinct_items_in_order() -> None:
    baskets = random_baskets(40, 6, per_user=3)
    for start, stop in zip(baskets.basket_indptr, baskets.basket_indptr[1:], strict=False):
        items = baskets.basket_items[start:stop].tolist()
        assert items == sorted(set(items))
        assert 1 <= len(items) <= 6
    assert sorted(baskets.basket_user.tolist()) == sorted(list(range(40)) * 3)
