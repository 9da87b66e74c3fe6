"""Requests, in fewer words."""

from collections.abc import Iterable
from typing import Any

from service.recommending.request import RecommendRequest


def a_request(
    user_id: str | None = None, basket: Iterable[str] = (), k: int = 20, **more: Any
) -> RecommendRequest:
    return RecommendRequest(user_id=user_id, basket=list(basket), k=k, **more)
