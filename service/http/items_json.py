"""The items of an answer as JSON, joined from pieces that earlier answers have left."""

from collections.abc import Sequence

import orjson

from service.recommending.answer import Reasons, Recommendation

_KEPT = 20_000  # pieces, of some 200 bytes each with what Python adds


class ItemsJson:
    """Encodes recommendations of one bundle after the other.

    What an answer says of an item is the same each time, but for its score and its reasons.
    """

    def __init__(self) -> None:
        self._bundle_id = ""
        self._pieces: dict[int, bytes] = {}  # by item index

    def encode(self, bundle_id: str, items: Sequence[Recommendation]) -> bytes:
        """Return a JSON array of the items.

        Args:
            bundle_id: of the bundle that they come from.
            items: best first.
        """
        if bundle_id != self._bundle_id or len(self._pieces) > _KEPT:
            self._bundle_id = bundle_id
            self._pieces = {}
        if not items:
            return b"[]"
        scores = orjson.dumps([each.score for each in items])[1:-1].split(b",")
        kept = self._pieces
        parts = [
            (kept.get(each.item_index) or self._piece(each)) + score + _reasons(each.reasons)
            for each, score in zip(items, scores, strict=True)
        ]
        return b"[%b}]" % b"},".join(parts)

    def _piece(self, item: Recommendation) -> bytes:
        facts = {"item_id": item.item_id, "name": item.name, "category": item.category}
        piece = orjson.dumps(facts)[:-1] + b',"score":'
        self._pieces[item.item_index] = piece
        return piece


def _reasons(reasons: Reasons | None) -> bytes:
    return b"" if reasons is None else b',"reasons":' + orjson.dumps(reasons)
