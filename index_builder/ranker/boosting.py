"""Gradient-boosted trees by LightGBM, in the layout that the service evaluates."""

from collections.abc import Mapping
from typing import Any

import lightgbm
import numpy as np

from service.recommending.ranking.trees import Trees

# The same data give the same trees on any number of threads; no value is missing.
_ALWAYS = {"use_missing": False, "deterministic": True, "force_row_wise": True, "verbosity": -1}


def grow(
    data: lightgbm.Dataset, trees: int, parameters: Mapping[str, Any], threads: int, seed: int
) -> Trees:
    """Trains an ensemble.

    Args:
        data: features, with columns in the order in which the service computes them.
        trees: number of trees.
        parameters: parameters of LightGBM, among them the objective.
        threads: threads of LightGBM; the trees do not depend on it.
        seed: seed of LightGBM.
    """
    every = {**_ALWAYS, **parameters, "num_threads": threads, "seed": seed}
    return _flatten(lightgbm.train(every, data, trees).dump_model()["tree_info"])


def _flatten(trees: list[dict[str, Any]]) -> Trees:
    """Turns the nested nodes of LightGBM's `tree_info` into arrays, each tree in preorder."""
    nodes: list[tuple[int, float, int, int, float]] = []

    def add(node: dict[str, Any]) -> int:
        place = len(nodes)
        if "split_feature" not in node:
            nodes.append((-1, 0.0, 0, 0, node["leaf_value"]))
            return place
        nodes.append((-1, 0.0, 0, 0, 0.0))
        left, right = add(node["left_child"]), add(node["right_child"])
        # Rounded down, so that the same float32 features are at most the threshold.
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
    """The largest float32 up to the threshold."""
    rounded = np.float32(threshold)
    if float(rounded) > threshold:
        rounded = np.nextafter(rounded, np.float32(-np.inf))
    return float(rounded)
