"""The weights of the parts of a score, as the build chose them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from service.bundle.errors import BundleInvalidError

_PARTS = ("user", "popularity", "history")


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part of the score counts, beside the basket's weight of 1.

    Attributes:
        user, popularity, history: weights of these parts.
        basket_exponent: the sum over the anchors is divided by their number to this power: 1 makes
            it their mean, as in bundles that do not name it.
        neighbour: weight of a neighbour weight where an anchor's list is searched; 0 in bundles
            that do not name it.
    """

    user: float
    popularity: float
    history: float
    basket_exponent: float = 1
    neighbour: float = 0

    @classmethod
    def read(cls, serving: Mapping[str, float | str], prefix: str = "") -> Self:
        """Reads the weights from the manifest's facts for serving.

        Raises:
            BundleInvalidError: a weight is missing, or no number.
        """
        names = [f"{prefix}{part}_weight" for part in _PARTS]
        try:
            exponent = float(serving.get(f"{prefix}basket_exponent", 1))
            user, popularity, history = (float(serving[name]) for name in names)
            neighbour = float(serving.get(f"{prefix}neighbour_weight", 0))
            return cls(user, popularity, history, exponent, neighbour)
        except (KeyError, ValueError) as error:
            expected = f"numbers {', '.join(names)}"
            raise BundleInvalidError("manifest.json, serving", expected, dict(serving)) from error

    def write(self, prefix: str = "") -> dict[str, float | str]:
        """The inverse of `read`."""
        weights: dict[str, float | str] = {
            f"{prefix}{part}_weight": getattr(self, part) for part in _PARTS
        }
        return weights | {
            f"{prefix}basket_exponent": self.basket_exponent,
            f"{prefix}neighbour_weight": self.neighbour,
        }
