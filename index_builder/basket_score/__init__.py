"""The basket score: trained and judged on real and corrupted baskets."""

from index_builder.basket_score.additions import Additions, judge_additions
from index_builder.basket_score.judging import Judgement, judge_score
from index_builder.basket_score.training import TrainedScore, train_score
from index_builder.basket_score.training_examples import ScoreExamples, score_examples

__all__ = ["Additions", "Judgement", "ScoreExamples", "TrainedScore"]
__all__ += ["judge_additions", "judge_score", "score_examples", "train_score"]
