"""The items of an answer as JSON, joined from pieces that earlier answers have left."""

from collections.abc import Sequence
from itertools import chain

import orjson

from service.recommending.answer import Recommendation

_KEPT = 20_000  # pieces, of some 200 bytes each with what Python adds
_BETWEEN = b"},"  # begins each piece


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
        kept = self._pieces
        pieces = [kept.get(each.item_index) or self._piece(each) for each in items]
        scores = orjson.dumps([each.score for each in items])[1:-1].split(b",")
        ends = [
            score if each.reasons is None else score + b',"reasons":' + orjson.dumps(each.reasons)
            for each, score in zip(items, scores, strict=True)
        ]
        whole = b"".join(chain.from_iterable(zip(pieces, ends, strict=True)))
        return b"[%b}]" % whole.removeprefix(_BETWEEN)

    def _piece(self, item: Recommendation) -> bytes:
        facts = {"item_id": item.item_id, "name": item.name, "category": item.category}
        piece = _BETWEEN + orjson.dumps(facts)[:-1] + b',"score":'
        self._pieces[item.item_index] = piece
        return piece
