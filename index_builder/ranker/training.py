"""The ranker's training: LightGBM's LambdaRank (Burges 2010)."""

from collections.abc import Sequence

import lightgbm
import numpy as np

from index_builder.config import RankerConfig
from index_builder.ranker.boosting import grow
from index_builder.ranker.training_examples import TrainingExamples
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.trees import Trees


def train_ranker(
    examples: Sequence[TrainingExamples], config: RankerConfig, threads: int, seed: int
) -> Trees:
    """Trains trees that rank the targets of baskets above their other candidates.

    Args:
        examples: of one or more windows, with at least one basket in all.
        config: number and size of the trees.
        threads: threads of LightGBM; the trees do not depend on it.
        seed: seed of LightGBM.
    """
    data = lightgbm.Dataset(
        np.concatenate([each.features for each in examples]),
        np.concatenate([each.labels for each in examples]),
        group=[size for each in examples for size in each.sizes],
        feature_name=list(FEATURES),
        free_raw_data=True,
    )
    parameters = {
        "objective": "lambdarank",
        "label_gain": [0, 1, config.new_target_gain],
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.min_leaf_candidates,
        "lambda_l2": config.leaf_regularisation,
    }
    return grow(data, config.trees, parameters, threads, seed)
