"""The configuration of a build: frozen, and stored in the manifest."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.bundle.bundle import Bundle
from service.bundle.errors import BundleInvalidError
from service.recommending.ranking.trees import MOST_LEAVES
from service.support.invalid_fields import TEXT, field_error

__all__ = ["AssociationRulesConfig", "Backend", "BuildConfig", "IndexConfig", "RankerConfig"]
__all__ += ["ScoreConfig", "SubstitutesConfig", "TrainConfig", "read_build_config"]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainConfig(_Config):
    """triple2vec (DESIGN section 1)."""

    dimension: int = Field(128, ge=1, description="length d of item_p, item_q and user_h")
    negatives: int = Field(5, ge=1, description="noise samples per term of the objective")
    epochs: int = Field(20, ge=1, description="at most so many triples per line of the baskets")
    learning_rate: float = Field(0.025, gt=0, description="at the start; falls linearly to 1 %")
    popularity_logit: bool = Field(
        True, description="add log popularity to a logit; else the vectors must learn it"
    )
    threads: int = Field(2, ge=1, description="Hogwild threads; 1 is bit-reproducible")
    seed: int = Field(1, ge=0)


class Backend(StrEnum):
    """The retrieval backends."""

    EXACT = "exact"
    FAISS = "faiss"
    NMSLIB = "nmslib"


class IndexConfig(_Config):
    """The inner-product index and the recall it must show."""

    backend: Backend = Backend.FAISS
    parameters: dict[str, int] = Field(
        {}, description="of the backend; otherwise the build chooses, or takes the defaults"
    )
    ann_recall_target: float = Field(0.98, ge=0, le=1)
    ann_recall_k: int = Field(100, ge=1)
    closest: int = Field(
        24, ge=0, le=1000, description="closest items listed of each item; 0 lists none"
    )


class RankerConfig(_Config):
    """The trees that rank candidates, and what they learn from."""

    enabled: bool = True
    trees: int = Field(150, ge=1)
    leaves: int = Field(15, ge=2, le=MOST_LEAVES)
    learning_rate: float = Field(0.1, gt=0)
    min_leaf_candidates: int = Field(50, ge=1)
    windows: int = Field(
        3, ge=1, description="stretches of validation_days before the cut that are learned from"
    )
    enough_baskets: int = Field(
        10_000, ge=1, description="fewer are split several times into input and targets"
    )
    most_splits: int = Field(5, ge=1, description="but no more often than this")
    new_target_gain: float = Field(
        1.3, gt=0, description="what a target is worth that the shopper had not bought before"
    )
    negative_share: float = Field(
        0.5, gt=0, le=1, description="share of the candidates not bought that are learned from"
    )
    stranger_share: float = Field(
        0.1, ge=0, le=1, description="share of the baskets learned from as an unknown user's"
    )
    neighbours: int = Field(80, ge=1, description="neighbours kept of each item")


class ScoreConfig(_Config):
    """The trees of the basket score, and what they learn from."""

    enabled: bool = True
    trees: int = Field(150, ge=1)
    leaves: int = Field(15, ge=2, le=MOST_LEAVES)
    learning_rate: float = Field(0.1, gt=0)
    min_leaf_items: int = Field(100, ge=1)
    item_weight: float = Field(
        0.1, ge=0, description="of an item's own log loss, beside that of its basket"
    )
    window_baskets: int = Field(
        2000, ge=1, description="baskets of one window that are learned from, at most"
    )
    partial_share: float = Field(
        0.25, ge=0, le=1, description="share of them that are learned from while still being filled"
    )


class AssociationRulesConfig(_Config):
    """Association rules; see `index_builder.rules.association_rules`."""

    min_support: float = Field(
        0.00015, ge=0, le=1, description="share of all baskets that hold both sides of a rule"
    )
    taxonomy_min_support: float = Field(
        0.01, ge=0, le=1, description="the same where the sides are departments or categories"
    )
    min_baskets: int = Field(
        10, ge=1, description="baskets with both sides, however small a share that is"
    )
    min_confidence: float = Field(
        0.05, ge=0, le=1, description="share of the baskets with the left side that hold the right"
    )
    min_lift: float = Field(
        2, ge=0, description="confidence, as a multiple of the share of all baskets with the right"
    )
    max_length: int = Field(5, ge=2, le=5, description="items of both sides together")
    most_itemsets: int = Field(
        500_000, ge=1, description="of one length above 2; if there are more, rules stay shorter"
    )
    min_expected_baskets: float = Field(
        10, ge=0, description="baskets that two categories share by chance, to tell their lift"
    )


class SubstitutesConfig(_Config):
    """What counts as a substitute; see `index_builder.statistics.substitutes`."""

    most_lift: float = Field(
        0.5, ge=0, lt=1, description="baskets with both items, of those expected by chance"
    )
    least_shoppers: int = Field(3, ge=1, description="shoppers who bought both")
    most: int = Field(20, ge=1, description="substitutes kept of an item")


class BuildConfig(_Config):
    """Everything that decides what a build makes of its transactions."""

    min_item_baskets: int = Field(
        10, ge=1, description="training baskets an item needs to be in the catalogue"
    )
    validation_days: float = Field(
        30, gt=0, description="the last days before the cut decide when to stop and how to rank"
    )
    recency_half_life_days: float = Field(60, gt=0)
    train: TrainConfig = TrainConfig()
    index: IndexConfig = IndexConfig()
    ranker: RankerConfig = RankerConfig()
    rules: AssociationRulesConfig = AssociationRulesConfig()
    score: ScoreConfig = ScoreConfig()
    substitutes: SubstitutesConfig = SubstitutesConfig()


def read_build_config(bundle: Bundle) -> BuildConfig:
    """The configuration that a bundle was built with, from its manifest.

    Raises:
        BundleInvalidError: the manifest has no configuration of this release.
    """
    try:
        return BuildConfig.model_validate(bundle.manifest.build)
    except ValidationError as error:
        raise BundleInvalidError(
            "manifest.json, build",
            "a configuration of this release",
            field_error(error.errors()[0], TEXT),
        ) from error
