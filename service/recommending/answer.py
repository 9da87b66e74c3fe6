"""The answer to a request for recommendations."""

from typing import Literal, NamedTuple, TypedDict

from service.bundle.catalogue import Catalogue

Source = Literal["user+basket", "basket", "user", "popularity"]


class Reasons(TypedDict):
    """Why an item is recommended; basket, user and popularity sum to its score.

    `anchor` is the basket item that contributed most. `user` comes from the user's vector and
    history, `popularity` from the prior and the business rules. `rules` names the business rules
    that touched the item.
    """

    anchor: str | None
    basket: float
    user: float
    popularity: float
    rules: list[str]


class Recommendation(NamedTuple):
    """One item of an answer; diversity and pins may change its place, but not its `score`."""

    item_index: int
    score: float
    reasons: Reasons | None
    catalogue: Catalogue

    def __hash__(self) -> int:
        """By item and score: a catalogue and reasons have no hash."""
        return hash((self.item_index, self.score))

    # Looked up when they are asked for: most answers are sent as JSON, whose pieces are ready.
    @property
    def item_id(self) -> str:
        """The item's id."""
        return self.catalogue.item_ids[self.item_index]

    @property
    def name(self) -> str:
        """The item's name."""
        return self.catalogue.names[self.item_index]

    @property
    def category(self) -> str:
        """The item's category; empty without one."""
        return self.catalogue.categories[self.item_index]


class Recommendations(NamedTuple):
    """An answer.

    Attributes:
        source: what the answer rests on.
        degraded: whether it rests on less than the request named.
        unknown_items: basket items that are not in the catalogue, in the request's order.
        unknown_categories: categories to exclude or include that the catalogue does not have.
        candidates: number of candidates that were scored.
        filled: number of candidates that only the popularity fill or business rules brought.
        items: best first.
    """

    source: Source
    degraded: bool
    unknown_items: list[str]
    unknown_categories: list[str]
    candidates: int
    filled: int
    items: list[Recommendation]


def source_of(knows_user: bool, has_anchors: bool) -> Source:
    """What an answer rests on."""
    if has_anchors:
        return "user+basket" if knows_user else "basket"
    return "user" if knows_user else "popularity"
