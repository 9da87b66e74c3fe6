"""Items joined from pieces read as if each answer was encoded as a whole."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from service.bundle.catalogue import Catalogue
from service.http.items_json import ItemsJson
from service.recommending.answer import Reasons, Recommendation

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCORE = st.floats() | st.sampled_from((0.0, -0.0, 1e-9, 1e22, 1 / 3))
REASONS = st.none() | st.builds(
    Reasons, anchor=st.none() | TEXT, basket=SCORE, user=SCORE, popularity=SCORE, rules=st.just([])
)


def catalogue(shop: list[tuple[str, str, str]]) -> Catalogue:
    """The items, of which an answer shows ids, names and categories."""
    ids, names, categories = (list(column) for column in zip(*shop, strict=True))
    empty = [""] * len(shop)
    return Catalogue(ids, names, empty, categories, empty)


def whole(items: list[Recommendation]) -> bytes:
    """The items, encoded at once."""
    names = ("item_id", "name", "category", "score", "reasons")
    facts = [{name: getattr(each, name) for name in names} for each in items]
    return orjson.dumps([{k: v for k, v in each.items() if k != "reasons" or v} for each in facts])


@given(
    st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=4),
    st.lists(st.lists(st.tuples(st.integers(0, 3), SCORE, REASONS), max_size=5), max_size=5),
)
def test_an_answer_is_the_same_from_pieces(
    shop: list[tuple[str, str, str]], answers: list[list[tuple[int, float, Reasons | None]]]
) -> None:
    ours, its = ItemsJson(), catalogue(shop)
    for answer in answers:
        items = [
            Recommendation(at % len(shop), score, reasons, its) for at, score, reasons in answer
        ]
        assert ours.encode("a bundle", items) == whole(items)


def test_the_pieces_of_another_bundle_are_not_used() -> None:
    ours = ItemsJson()
    for bundle in ("first", "second", "first"):
        its = catalogue([(f"item of {bundle}", "name", "category")])
        items = [Recommendation(0, 1.0, None, its)]
        assert ours.encode(bundle, items) == whole(items)
