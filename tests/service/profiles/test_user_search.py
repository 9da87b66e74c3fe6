"""Finding users by parts of their ids."""

from hypothesis import given
from hypothesis import strategies as st

from service.bundle.bundle import Bundle, preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.user_search import UserSearch
from tests.data.tiny_bundle import NOON, tiny_contents


def bundle_of(user_ids: list[str]) -> Bundle:
    """The tiny bundle with other names for its six users."""
    return preview_bundle(tiny_contents(user_ids=user_ids))


def found(user_ids: list[str], query: str, limit: int = 10) -> list[str]:
    search = UserSearch(user_ids, BundleProfiles(bundle_of(user_ids)))
    return [each.user_id for each in search.matching(query, limit)]


USERS = ["21", "2", "12", "123", "<2>", "Ü2"]


def test_the_very_id_comes_first_then_ids_that_begin_with_the_query() -> None:
    assert found(USERS, "2") == ["2", "21", "12", "123", "<2>", "Ü2"]
    assert found(USERS, "12") == ["12", "123"]
    assert found(USERS, "<") == ["<2>"]
    assert found(USERS, "nobody") == []


def test_an_empty_query_finds_all_in_their_order() -> None:
    assert found(USERS, "") == USERS
    assert found(USERS, "", limit=2) == USERS[:2]


def test_a_line_end_matches_nothing() -> None:
    assert found(USERS, "1\n2") == []
    assert found(USERS, "\n") == []


def test_forgotten_users_are_not_found() -> None:
    bundle = bundle_of(USERS)
    profiles = BundleProfiles(bundle, lambda user: NOON if user == "2" else None)
    names = [each.user_id for each in UserSearch(USERS, profiles).matching("2", 10)]
    assert names == ["21", "12", "123", "<2>", "Ü2"]


ids = st.lists(st.text("ab", min_size=1, max_size=3), min_size=6, max_size=6, unique=True)


@given(ids, st.text("ab", max_size=3), st.integers(1, 7))
def test_every_user_whose_id_has_the_query_is_found_once(
    user_ids: list[str], query: str, limit: int
) -> None:
    expected = [each for each in user_ids if query in each]
    expected.sort(key=lambda each: (each != query, not each.startswith(query)))
    assert found(user_ids, query, limit) == expected[:limit]
