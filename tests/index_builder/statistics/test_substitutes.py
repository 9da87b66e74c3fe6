"""Substitutes, in a small world by hand and against the definition in plain Python."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import index_builder.statistics.substitutes
from index_builder.bundle.contents import with_substitutes
from index_builder.config import SubstitutesConfig
from index_builder.statistics.substitutes import SubstituteLists, substitutes
from service.bundle.bundle import preview_bundle
from service.bundle.taxonomy import Level
from service.recommending.postprocess.substitutes import Substitutes
from tests.data.encoded import trained
from tests.data.ranked_shop import shop

CONFIG = SubstitutesConfig()

# Two milks, two yogurts, two breads. Everyone buys one milk this time and the other next time, both
# yogurts always; half of them buy one bread, the others the other.
SUBCATEGORY = Level.of(["milk", "milk", "yogurt", "yogurt", "bread", "bread"])
BASKETS = [[visit % 2, 2, 3, 4 + user // 2] for user in range(4) for visit in range(4)]
USERS = [user for user in range(4) for _ in range(4)]


def table(found: SubstituteLists) -> list[dict[int, float]]:
    """The substitutes of each item with their scores, in their order."""
    assert [array.dtype.name for array in vars(found).values()] == ["int64", "int32", "float32"]
    assert found.indptr[0] == 0
    assert found.indptr[-1] == len(found.item) == len(found.score)
    return [
        dict(zip(found.item[start:stop].tolist(), found.score[start:stop].tolist(), strict=True))
        for start, stop in zip(found.indptr[:-1], found.indptr[1:], strict=True)
    ]


def test_two_milks_replace_each_other_and_nothing_else_does() -> None:
    rows = table(substitutes(trained(BASKETS, 6, USERS), SUBCATEGORY, CONFIG))
    # Two baskets of each milk among a user's four of one size: 2 · 2 / 4 = 1 with both is expected,
    # 4 for all users, and there is none. (0 + 1) / (4 + 1) is a lift of .2; all buyers of one milk
    # buy the other.
    assert rows[:2] == [{1: pytest.approx(0.8)}, {0: pytest.approx(0.8)}]
    assert rows[2:] == [{}, {}, {}, {}]


def test_milk_and_bread_are_of_two_subcategories() -> None:
    baskets = [[0] if visit % 2 else [1] for _ in range(4) for visit in range(4)]
    world = trained(baskets, 2, USERS)
    assert table(substitutes(world, Level.of(["milk", "bread"]), CONFIG)) == [{}, {}]
    assert table(substitutes(world, Level.of(["", ""]), CONFIG)) == [{}, {}]
    rows = table(substitutes(world, Level.of(["drink", "drink"]), CONFIG))
    assert [list(row) for row in rows] == [[1], [0]]


def test_a_few_users_prove_nothing() -> None:
    few = trained(BASKETS[:8], 6, USERS[:8])
    assert table(substitutes(few, SUBCATEGORY, CONFIG))[0] == {}
    assert list(table(substitutes(few, SUBCATEGORY, SubstitutesConfig(least_shoppers=2)))[0]) == [1]


def by_definition(
    baskets: list[tuple[int, set[int]]], names: list[str], config: SubstitutesConfig
) -> list[list[tuple[int, float]]]:
    users = sorted({user for user, _ in baskets})
    own = {user: [basket for of, basket in baskets if of == user] for user in users}
    found: list[list[tuple[int, float]]] = [[] for _ in names]
    for i, j in permutations(range(len(names)), 2):
        if not names[i] or names[i] != names[j]:
            continue
        expected, together = 0.0, 0
        buyers: dict[int, set[int]] = {i: set(), j: set()}
        for user in users:
            sizes = [len(basket) for basket in own[user]]
            chance = sum(size**2 for size in sizes) / max(sum(sizes) ** 2, 1)
            with_i, with_j = (sum(item in basket for basket in own[user]) for item in (i, j))
            expected += with_i * with_j * chance
            together += sum({i, j} <= basket for basket in own[user])
            for item, count in ((i, with_i), (j, with_j)):
                if count:
                    buyers[item].add(user)
        both = len(buyers[i] & buyers[j])
        lift = (together + 1) / (expected + 1)
        by_chance = len(buyers[i]) * len(buyers[j]) / len(users)
        if lift <= config.most_lift and both >= config.least_shoppers and both >= by_chance - 1e-9:
            found[i].append((j, both / len(buyers[i]) * (1 - lift)))
    return [sorted(row, key=lambda each: (-each[1], each[0]))[: config.most] for row in found]


worlds = st.lists(
    st.tuples(st.integers(0, 3), st.sets(st.integers(0, 5), max_size=4)), min_size=1, max_size=40
)
configs = st.builds(
    SubstitutesConfig,
    most_lift=st.sampled_from([0.31, 0.53, 0.97]),
    least_shoppers=st.integers(1, 3),
    most=st.integers(1, 4),
)


@given(worlds, st.lists(st.sampled_from(["a", "b", ""]), min_size=6, max_size=6), configs)
def test_against_the_definition(
    world: list[tuple[int, set[int]]], names: list[str], config: SubstitutesConfig
) -> None:
    users = sorted({user for user, _ in world})
    baskets = [sorted(basket) for _, basket in world]
    encoded = trained(baskets, 6, [users.index(user) for user, _ in world])
    rows = table(substitutes(encoded, Level.of(names), config))
    expected = by_definition(world, names, config)
    for row, wanted in zip(rows, expected, strict=True):
        assert list(row.values()) == pytest.approx([score for _, score in wanted], abs=1e-6)
        # Roundings may turn what is equal, and cut off another of them at the end.
        cut = wanted[-1][1] if len(wanted) == config.most else -1.0
        clear = {item for item, score in wanted if score > cut + 1e-6}
        assert clear <= set(row)


def test_blocks_of_a_subcategory_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    world, level = shop().encoded, Level.of(["all"] * shop().encoded.n_items)
    at_once = table(substitutes(world, level, SubstitutesConfig(most_lift=0.9)))
    monkeypatch.setattr(index_builder.statistics.substitutes, "_BLOCK_ITEMS", 7)
    assert table(substitutes(world, level, SubstitutesConfig(most_lift=0.9))) == at_once
    assert sum(map(len, at_once)) > 20


def test_blocks_of_baskets_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    world = shop().encoded
    level = Level.of([f"shelf {item % 3}" for item in range(world.n_items)])
    at_once = table(substitutes(world, level, SubstitutesConfig(most_lift=0.9)))
    monkeypatch.setattr(index_builder.statistics.substitutes, "BLOCK_BASKETS", 3)
    assert table(substitutes(world, level, SubstitutesConfig(most_lift=0.9))) == at_once
    assert sum(map(len, at_once)) > 20


def test_a_bundle_carries_them() -> None:
    config = SubstitutesConfig(most_lift=0.9)  # items of this shop know no brands
    bundle = preview_bundle(with_substitutes(shop().contents, shop().encoded, config))
    rows = table(substitutes(shop().encoded, bundle.catalogue.taxonomy.subcategory, config))
    assert sum(map(len, rows)) > 20
    served, every = Substitutes(bundle), np.ones(shop().encoded.n_items, np.bool_)
    for item, row in enumerate(rows):
        assert [tuple(each) for each in served.of(item, 100, every)] == list(row.items())
