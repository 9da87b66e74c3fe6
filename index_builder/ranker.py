"""The ranker's training: LightGBM's LambdaRank on the features that the service computes.

Features come from a bundle fitted before the baskets that are learned from, and from the
production recommender: what is learned is what will be seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from index_builder.config import RankerConfig
from index_builder.held_out import HeldOut
from service.bundle import Bundle
from service.ranking import FEATURES
from service.recommender import Recommender
from service.settings import Settings
from service.trees import Trees

__all__ = ["train_ranker"]

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Examples:
    """Candidates of all baskets, one after the other.

    Attributes:
        features: (n, len(FEATURES)) float32.
        labels: (n,) int32, 1 for a target.
        sizes: number of candidates of each basket.
    """

    features: Float32
    labels: npt.NDArray[np.int32]
    sizes: list[int]


def train_ranker(
    bundle: Bundle, baskets: Sequence[HeldOut], config: RankerConfig, threads: int, seed: int
) -> Trees:
    """Learns to put the targets of the baskets above the other candidates.

    Args:
        bundle: fitted on what came before all of the baskets.
        baskets: held-out baskets with their targets.
        config: number and size of the trees.
        threads: of LightGBM; the trees do not depend on it.
        seed: decides which baskets are learned from as a stranger's.
    """
    examples = _examples(bundle, baskets, config, seed)
    data = lightgbm.Dataset(
        examples.features,
        examples.labels,
        group=examples.sizes,
        feature_name=list(FEATURES),
        free_raw_data=True,
    )
    parameters = {
        "objective": "lambdarank",
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.min_leaf_candidates,
        "use_missing": False,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "seed": seed,
        "verbosity": -1,
    }
    return _flatten(lightgbm.train(parameters, data, config.trees).dump_model()["tree_info"])


def _examples(
    bundle: Bundle, baskets: Sequence[HeldOut], config: RankerConfig, seed: int
) -> _Examples:
    recommender = Recommender(bundle, Settings.model_construct())
    item_ids, user_ids = bundle.catalogue.item_ids, bundle.user_ids
    strangers = np.random.default_rng(seed).random(len(baskets)) < config.stranger_share
    features, labels = [], []
    for basket, stranger in zip(baskets, strangers, strict=True):
        given = [item_ids[item] for item in basket.given]
        user_id = None if stranger else user_ids[basket.user]
        listed = recommender.shortlist(user_id, given)
        if listed.features is not None:
            features.append(listed.features)
            labels.append(np.isin(listed.candidates.items, basket.targets).astype(np.int32))
    return _Examples(np.concatenate(features), np.concatenate(labels), [len(y) for y in labels])


def _flatten(trees: list[dict[str, Any]]) -> Trees:
    """Lays LightGBM's nested nodes out in arrays, each tree in preorder."""
    nodes: list[tuple[int, float, int, int, float]] = []

    def add(node: dict[str, Any]) -> int:
        place = len(nodes)
        if "split_feature" not in node:
            nodes.append((-1, 0.0, 0, 0, node["leaf_value"]))
            return place
        nodes.append((-1, 0.0, 0, 0, 0.0))
        left, right = add(node["left_child"]), add(node["right_child"])
        # Rounded down: a float32 feature is at most the threshold before and after.
        threshold = _at_most(node["threshold"])
        nodes[place] = (node["split_feature"], threshold, left, right, node["internal_value"])
        return place

    roots = [add(tree["tree_structure"]) for tree in trees]
    feature, threshold, left, right, value = (
        np.array(column) for column in zip(*nodes, strict=True)
    )
    return Trees(
        np.array(roots, np.int32),
        feature.astype(np.int32),
        threshold.astype(np.float32),
        left.astype(np.int32),
        right.astype(np.int32),
        value.astype(np.float32),
    )


def _at_most(threshold: float) -> float:
    """The largest float32 that is not above the threshold."""
    rounded = np.float32(threshold)
    if float(rounded) > threshold:
        rounded = np.nextafter(rounded, np.float32(-np.inf))
    return float(rounded)
