"""The service with a recommender that gives the same answer to every request.

What a request takes here is what it takes around a recommendation. It takes the flags of
`rtt2vec-serve`, but runs one worker only.
"""

from typing import cast

from fastapi import FastAPI

from bench.serving.echo import serve
from service.app import create_app
from service.recommending.answer import Recommendations
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.settings import Settings
from service.support.stopwatch import Observe
from service.telemetry.metrics import STAGES

__all__ = ["K", "create_constant_app"]

K = 20
_STAGES = [each for each in STAGES if each not in ("parse", "encode")]  # those are the app's
_STAGE_S = 0.00005


class _ConstantRecommender:
    """Gives one answer, and reports a time for each stage, since to count them is the app's."""

    def __init__(self, answer: Recommendations) -> None:
        self._answer = answer

    def recommend(
        self, _request: RecommendRequest, *, observe: Observe, **_others: object
    ) -> Recommendations:
        for stage in _STAGES:
            observe(stage, _STAGE_S)
        return self._answer


def create_constant_app(settings: Settings) -> FastAPI:
    """The service, ready, which answers as the bundle would if it knew nothing of a request."""
    app = create_app(settings)
    app.state.swap.start()
    serving = app.state.serving
    answer = serving.served.recommender.recommend(RecommendRequest(k=K))
    constant = _ConstantRecommender(answer._replace(source="user+basket"))
    serving.served = serving.served._replace(recommender=cast(Recommender, constant))
    return app


if __name__ == "__main__":
    serve(create_constant_app)
