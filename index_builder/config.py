"""The configuration of a build: frozen, and stored in the manifest."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.bundle.bundle import Bundle
from service.bundle.errors import BundleInvalidError
from service.recommending.ranking.trees import MOST_LEAVES
from service.support.invalid_fields import TEXT, field_error


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Objective(StrEnum):
    """What training maximises."""

    COMPLETION = "completion"
    TRIPLE2VEC = "triple2vec"


class CompletionConfig(_Config):
    """Basket completion; see `index_builder.embeddings.completion.completion`."""

    learning_rate: float = Field(0.004, gt=0, description="at the start; falls linearly to 0")
    batch_baskets: int = Field(256, ge=1, description="most baskets of a mini-batch")
    sampled_items: int = Field(
        2000, ge=1, description="drawn for the softmax of a mini-batch; all of a smaller catalogue"
    )
    least_hidden: float = Field(0.15, ge=0, le=1, description="smallest share of a basket to find")
    most_hidden: float = Field(0.5, ge=0, le=1, description="largest share of a basket to find")
    stranger_share: float = Field(
        0.4, ge=0, le=1, description="share of the baskets that are predicted without the user"
    )
    habit_share: float = Field(
        0.5, ge=0, le=1, description="share of the baskets that are predicted beside the habit"
    )
    item_decay: float = Field(1e-5, ge=0, description="weight of an item vector's squared length")
    user_decay: float = Field(1e-4, ge=0, description="weight of a user vector's squared length")


class TrainConfig(_Config):
    """The training of the vectors, by one of two objectives."""

    objective: Objective = Objective.COMPLETION
    dimension: int = Field(128, ge=1, description="length d of item_p, item_q and user_h")
    epochs: int | None = Field(
        None,
        ge=1,
        description="most times that each line of the baskets is used; None: 5 for completion, "
        "20 triples per line for triple2vec",
    )
    completion: CompletionConfig = CompletionConfig()
    negatives: int = Field(5, ge=1, description="of triple2vec: noise samples per term")
    learning_rate: float = Field(
        0.025, gt=0, description="of triple2vec, at the start; falls linearly to 1 %"
    )
    popularity_logit: bool = Field(
        True,
        description="of triple2vec: add log popularity to a logit, so that the vectors need not "
        "learn it",
    )
    threads: int = Field(
        2, ge=1, description="triple2vec is bit-reproducible on 1 thread, completion on any number"
    )
    seed: int = Field(1, ge=0)
    max_triples: int | None = Field(
        None,
        ge=1,
        description="most triples of triple2vec, whatever the epochs say; for completion, most "
        "lines of baskets, counted each time that they are used",
    )
    # No part of the result, and so not of the manifest:
    checkpoints: Path | None = Field(
        None, exclude=True, description="folder where training keeps how far it is"
    )
    checkpoint_s: float = Field(
        300, ge=0, exclude=True, description="seconds between two checkpoints"
    )

    @property
    def most_epochs(self) -> int:
        """The epochs over which the learning rate falls."""
        return self.epochs or (5 if self.objective is Objective.COMPLETION else 20)


class Backend(StrEnum):
    """The retrieval backends."""

    EXACT = "exact"
    FAISS = "faiss"
    NMSLIB = "nmslib"


class IndexConfig(_Config):
    """The inner-product index and the recall that it must reach."""

    backend: Backend = Backend.FAISS
    parameters: dict[str, int] = Field(
        {}, description="of the backend; empty: the build chooses, or takes the defaults"
    )
    ann_recall_target: float = Field(0.98, ge=0, le=1)
    ann_recall_k: int = Field(100, ge=1)
    closest: int = Field(
        128, ge=0, le=1000, description="length of each item's list of closest items; 0: no lists"
    )


class _TreesConfig(_Config):
    enabled: bool = True
    trees: int = Field(150, ge=1)
    leaves: int = Field(15, ge=2, le=MOST_LEAVES)
    learning_rate: float = Field(0.1, gt=0)


class RankerConfig(_TreesConfig):
    """The trees that rank candidates, and their training examples."""

    min_leaf_candidates: int = Field(50, ge=1)
    leaf_regularisation: float = Field(10, ge=0, description="LightGBM's lambda_l2")
    windows: int = Field(
        3, ge=1, description="periods of validation_days before the cut that give examples"
    )
    enough_baskets: int = Field(
        10_000, ge=1, description="fewer are split several times into input and targets"
    )
    most_splits: int = Field(5, ge=1, description="most times that a basket is split")
    new_target_gain: float = Field(
        1.7, gt=0, description="gain of a target that the user had not bought before; others: 1"
    )
    negative_share: float = Field(
        0.3, gt=0, le=1, description="share of the candidates not bought that become examples"
    )
    stranger_share: float = Field(
        0.1, ge=0, le=1, description="share of the baskets that are used as an unknown user's"
    )
    neighbours: int = Field(100, ge=0, description="neighbours kept of each item")
    neighbour_regularisation: float = Field(
        50, gt=0, description="baskets added to an item's own in the weights of neighbours"
    )


class ScoreConfig(_TreesConfig):
    """The trees of the basket score, and their training examples."""

    min_leaf_items: int = Field(100, ge=1)
    item_weight: float = Field(
        0.1, ge=0, description="weight of an item's own log loss, beside that of its basket"
    )
    window_baskets: int = Field(2000, ge=1, description="most baskets of a window that are used")
    partial_share: float = Field(
        0.25, ge=0, le=1, description="share of them that are used with a part of their items"
    )


class AssociationRulesConfig(_Config):
    """Association rules; see `index_builder.statistics.rules.association_rules`."""

    min_support: float = Field(
        0.00015, ge=0, le=1, description="share of all baskets that hold both sides of a rule"
    )
    taxonomy_min_support: float = Field(
        0.01, ge=0, le=1, description="the same where the sides are levels of the taxonomy"
    )
    min_baskets: int = Field(
        10, ge=1, description="baskets with both sides, also if min_support needs fewer"
    )
    min_confidence: float = Field(
        0.05, ge=0, le=1, description="share of the antecedent's baskets that hold the consequent"
    )
    min_lift: float = Field(
        2, ge=0, description="confidence over the share of all baskets that hold the consequent"
    )
    max_length: int = Field(5, ge=2, le=5, description="items of both sides together")
    most_itemsets: int = Field(
        500_000, ge=1, description="of one length above 2; if there are more, rules stay shorter"
    )
    min_expected_baskets: float = Field(
        10, ge=0, description="baskets that two categories share by chance; below it, no lift"
    )


class SubstitutesConfig(_Config):
    """Thresholds of substitutes; see `index_builder.statistics.substitutes`."""

    most_lift: float = Field(
        0.5, ge=0, lt=1, description="baskets with both items, over those expected by chance"
    )
    least_shoppers: int = Field(3, ge=1, description="users who bought both items")
    most: int = Field(20, ge=1, description="substitutes kept for an item")


class BuildConfig(_Config):
    """The settings of a build; stored in the manifest."""

    min_item_baskets: int = Field(
        10, ge=1, description="training baskets an item needs to be in the catalogue"
    )
    new_items: bool = Field(
        False, description="take in products without enough baskets, behind the others"
    )
    validation_days: float = Field(
        30, gt=0, description="last days before the cut, held out to choose epochs and weights"
    )
    recency_half_life_days: float = Field(
        60, gt=0, description="age at which a basket counts half as much"
    )
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
