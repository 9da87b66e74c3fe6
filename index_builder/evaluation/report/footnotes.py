"""The report's footnote on NDCG."""

import numpy as np

from index_builder.evaluation.evaluate import OURS, Evaluation
from index_builder.evaluation.figures import figure
from index_builder.measuring.quality import K
from service.support.arrays.array_types import Bool


def ndcg_footnote(evaluation: Evaluation) -> str:
    """The reason why NDCG cannot be compared with the paper's."""
    first = next(iter(evaluation.methods))
    ours, other = (_of_found(evaluation.methods[name].hits) for name in (OURS, first))
    return f"""[^1]: DCG / ideal DCG, where the ideal has min({K}, targets) hits at the top, the
    usual form. The RTT2Vec paper reports NDCG@20 above Recall@20 in every row (.2391 beside .1481
    for its own method), without a definition that could be reproduced. One form with this property
    has for its ideal the hits of the answer, moved to the top; by this form, the service has
    {figure(ours)} here and {first} {figure(other)}. So NDCG can be compared within this table, but
    not with the paper's."""


def _of_found(hits: Bool) -> float:
    """Mean of DCG / DCG of the same hits at the top; 0 for an answer without hits."""
    discount = 1 / np.log2(np.arange(2, K + 2))
    ideal = np.concatenate([[1], discount.cumsum()])[hits.sum(axis=1)]
    return float(((hits @ discount) / ideal).mean())
