"""Options: what one recommendation can be told."""

from typing import ClassVar, Literal

from pydantic import BaseModel, Field
from pydantic_settings import SettingsConfigDict

SearchForm = Literal["anchors", "mean", "none"]


class RecommendOptions(BaseModel):
    """How recommendations are made: what a recommender can be told."""

    # Of the type that `Settings` needs; nothing here reads the environment.
    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(frozen=True, extra="forbid")

    anchor_limit: int = Field(
        20, ge=1, description="Items up to which every basket item is an anchor; above, a sample."
    )
    anchor_fraction: float = Field(
        0.5, gt=0, le=1, description="Share of a basket over `anchor_limit` that is sampled."
    )
    search: SearchForm = Field(
        "anchors",
        description="How candidates are found for a basket. `anchors`: one query for each anchor, "
        "answered from the anchor's closest items, which the build listed, if they are enough, "
        "else from the index; `mean`: one query of the index, the mean over the anchors, which "
        "also serves answers without a ranker; `none`: not at all.",
    )
    search_candidates: int = Field(
        150,
        ge=1,
        description="Candidates from all queries together, about; for a ranker more, if the user's "
        "history is shorter than `history_candidates`.",
    )
    ranker: bool = Field(True, description="Whether to use the bundle's ranker, if it has one.")
    history_candidates: int = Field(
        100, ge=0, description="Candidates taken from the user's own purchase history."
    )
    mmr_lambda: float = Field(
        0.95, ge=0, le=1, description="Relevance against diversity; 1 is pure relevance."
    )
    mmr_pool: int = Field(40, ge=1, description="Best candidates that are reordered for diversity.")
    substitute_weight: float = Field(
        0.25,
        gt=0,
        description="Weight of a candidate that replaces an item of the basket (a second milk): "
        "log(weight) is added to its score, so that 1 changes nothing.",
    )
    category_cap: int = Field(
        0, ge=0, description="Most recommendations of one category in an answer; 0 sets no cap."
    )
    group_cap: int = Field(
        1,
        ge=0,
        description="Most recommendations of one group of variants, the products' `group_id`, in "
        "an answer, and none of a group of the basket; 0 sets no cap.",
    )
    taxonomy_filter: Literal["off", "demote", "drop"] = Field(
        "off",
        description="Treatment of recommendations whose category goes with no category of the "
        "basket. `demote`: they come last; `drop`: others take their place.",
    )
    taxonomy_min_lift: float = Field(
        1.0, ge=0, description="Smallest lift at which two categories go together."
    )
