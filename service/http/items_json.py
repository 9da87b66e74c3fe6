"""The items of an answer as JSON, joined from pieces that earlier answers have left."""

from collections.abc import Sequence
from itertools import repeat

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
        # By columns, which takes two thirds of the time of item by item.
        indexes, scores, reasons, _ = zip(*items, strict=True)
        pieces = list(map(self._pieces.get, indexes, repeat(b"")))
        if b"" in pieces:
            pieces = [kept or self._piece(item) for kept, item in zip(pieces, items, strict=True)]
        ends = orjson.dumps(scores)[1:-1].split(b",")
        if any(reasons):
            ends = [
                end if reason is None else b'%b,"reasons":%b' % (end, orjson.dumps(reason))
                for end, reason in zip(ends, reasons, strict=True)
            ]
        parts = [*pieces, *ends]
        parts[::2], parts[1::2] = pieces, ends
        return b"[%b}]" % b"".join(parts).removeprefix(_BETWEEN)

    def _piece(self, item: Recommendation) -> bytes:
        facts = {"item_id": item.item_id, "name": item.name, "category": item.category}
        piece = _BETWEEN + orjson.dumps(facts)[:-1] + b',"score":'
        self._pieces[item.item_index] = piece
        return piece
