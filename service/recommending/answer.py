"""Answers: what the recommender returns."""

from typing import Literal, NamedTuple, TypedDict

__all__ = ["Reasons", "Recommendation", "Recommendations", "Source", "source_of"]

Source = Literal["user+basket", "basket", "user", "popularity"]


class Reasons(TypedDict):
    """Why an item is recommended; the three parts sum to its score.

    anchor is the basket item that contributed most; user holds the shopper's vector and history,
    popularity the prior and what the business rules add; rules names all of those that touched it.
    """

    anchor: str | None
    basket: float
    user: float
    popularity: float
    rules: list[str]


class Recommendation(NamedTuple):
    """One item of an answer; `score` is its own: diversity and pins reorder the list after it."""

    item_index: int
    item_id: str
    name: str
    category: str
    score: float
    reasons: Reasons | None = None


class Recommendations(NamedTuple):
    """An answer.

    Attributes:
        source: what the answer rests on.
        degraded: whether that is less than what the request named.
        unknown_items: basket items that are not in the catalogue, in the request's order.
        candidates: number of candidates that were scored.
        filled: number of candidates that only the popularity fill brought.
        items: best first.
    """

    source: Source
    degraded: bool
    unknown_items: list[str]
    candidates: int
    filled: int
    items: list[Recommendation]


def source_of(knows_user: bool, has_anchors: bool) -> Source:
    """What an answer rests on."""
    match knows_user, has_anchors:
        case True, True:
            return "user+basket"
        case False, True:
            return "basket"
        case True, False:
            return "user"
        case _:
            return "popularity"
