"""Quality through HTTP: held-out baskets are posted to a service, and its answers judged."""

from collections.abc import Sequence

import httpx

from index_builder.measuring.quality import K, Quality, measure, request_of
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle

__all__ = ["quality_through_http"]


def quality_through_http(url: str, baskets: Sequence[HeldOut], bundle: Bundle) -> Quality:
    """Posts each basket to /recommend, one after another, and judges the answers.

    Args:
        url: of a service that answers as ours does.
        baskets: the held-out baskets.
        bundle: its catalogue and users are those of the baskets.

    Raises:
        httpx.HTTPStatusError: a request was not answered with success.
    """
    with httpx.Client(base_url=url, timeout=30) as client:

        def rank(basket: HeldOut) -> list[int]:
            request = request_of(basket, bundle)
            body = {"user_id": request.user_id, "basket": list(request.basket), "k": K}
            answer = client.post("/recommend", json=body).raise_for_status().json()
            return [bundle.catalogue.index[each["item_id"]] for each in answer["recommendations"]]

        return measure(rank, baskets, bundle).quality
