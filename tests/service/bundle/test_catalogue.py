"""Looking items up by id, against the definition in plain Python."""

from hypothesis import given
from hypothesis import strategies as st

from service.bundle.catalogue import Catalogue
from service.support.validity import SPACES, tidied

# Ids that tidying makes one, that keep a space inside, and that only look like spaces.
_IDS = ("a", "b", "aa", "a b", "\u200d", "A", "é", "e\u0301", "0", "00", "None")
_asked = st.sampled_from((*_IDS, "", "c", "\0", "\ud800")) | st.text("ab ", max_size=3)
_spaces = st.text(SPACES, max_size=2)


def _catalogue(item_ids: list[str]) -> Catalogue:
    none = [""] * len(item_ids)
    return Catalogue(item_ids, item_ids, none, none, none)


@given(
    item_ids=st.lists(st.sampled_from(_IDS), unique=True),
    asked=st.lists(st.builds("{1}{0}{2}".format, _asked, _spaces, _spaces) | _asked, max_size=8),
)
def test_each_id_is_one_as_it_stands_or_tidied(item_ids: list[str], asked: list[str]) -> None:
    def row(item_id: str) -> int | None:
        named = [each for each in (item_id, tidied(item_id)) if each in item_ids]
        return item_ids.index(named[0]) if named else None

    known, unknown = _catalogue(item_ids).look_up(asked)
    assert known.tolist() == sorted({found for each in asked if (found := row(each)) is not None})
    assert unknown == [each for each in dict.fromkeys(asked) if row(each) is None]


def test_an_item_asked_for_ten_thousand_times_is_one() -> None:
    known, unknown = _catalogue(["a", "b"]).look_up([*["b"] * 10_000, *["b "] * 10_000, "c", "c"])
    assert (known.tolist(), unknown) == ([1], ["c"])
