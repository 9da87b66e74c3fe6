"""A tiny shop that is asked for recommendations, with every backend."""

from typing import Any

import numpy as np

from service.bundle.bundle import Bundle, preview_bundle
from service.bundle.catalogue import Catalogue
from service.business_rules.rulebook import Rulebook
from service.recommending.answer import Recommendations
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.recommending.weights import Weights
from tests.data.by_score import by_score
from tests.data.tiny_bundle import AISLES, N_ITEMS, tiny_contents

BACKENDS = ("exact", "faiss", "nmslib")
WEIGHTS = Weights(user=0.5, popularity=1, history=2)


def tiny_bundle(backend: str) -> Bundle:
    """The tiny bundle, but its last 4 items stand in no aisle and user-5 has bought nothing."""
    base = tiny_contents()
    categories = [AISLES[item % 2] if item < 36 else "" for item in range(N_ITEMS)]
    history = ("history_item", "history_count", "history_recency", "history_last")
    contents = tiny_contents(
        backend,
        catalogue=Catalogue(
            base.catalogue.item_ids,
            base.catalogue.names,
            base.catalogue.departments,
            categories,
            base.catalogue.subcategories,
        ),
        history_indptr=np.minimum(base.history_indptr, 30),
        serving=WEIGHTS.write(),
        **{name: getattr(base, name)[:30] for name in history},
    )
    return preview_bundle(contents)


BUNDLES = {backend: tiny_bundle(backend) for backend in BACKENDS}
CATALOGUE = BUNDLES["exact"].catalogue


def ask(
    recommender: Recommender,
    request: RecommendRequest,
    explain: bool = False,
    rulebook: Rulebook | None = None,
) -> Recommendations:
    explained = request.model_copy(update={"explain": explain})
    return recommender.recommend(explained, rulebook=rulebook)


def recommender(backend: str = "exact", **changes: Any) -> Recommender:
    return Recommender(BUNDLES[backend], by_score(**changes))


def ids(answer: Recommendations) -> list[str]:
    return [each.item_id for each in answer.items]
