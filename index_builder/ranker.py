"""The ranker's training: LightGBM's LambdaRank (Burges 2010) on the lessons of the windows."""

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np

from index_builder.config import RankerConfig
from index_builder.lessons import Lessons
from service.ranking import FEATURES
from service.trees import Trees

__all__ = ["flatten", "train_ranker"]


def train_ranker(
    lessons: Sequence[Lessons], config: RankerConfig, threads: int, seed: int
) -> Trees:
    """Learns to put the targets of baskets above their other candidates.

    Args:
        lessons: of one or several windows, together one basket or more.
        config: number and size of the trees.
        threads: of LightGBM; the trees do not depend on it.
        seed: of LightGBM.
    """
    data = lightgbm.Dataset(
        np.concatenate([each.features for each in lessons]),
        np.concatenate([each.labels for each in lessons]),
        group=[size for each in lessons for size in each.sizes],
        feature_name=list(FEATURES),
        free_raw_data=True,
    )
    parameters = {
        "objective": "lambdarank",
        "label_gain": [0, 1, config.new_target_gain],
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
    return flatten(lightgbm.train(parameters, data, config.trees).dump_model()["tree_info"])


def flatten(trees: list[dict[str, Any]]) -> Trees:
    """Lays the nested nodes of LightGBM's `tree_info` out in arrays, each tree in preorder."""
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
