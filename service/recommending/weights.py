"""The weights of the parts of a score, as the build chose them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

from service.bundle.errors import BundleInvalidError


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part of the score counts, beside the basket's weight of 1."""

    user: float
    popularity: float
    history: float

    @classmethod
    def read(cls, serving: Mapping[str, float | str], prefix: str = "") -> Self:
        """Reads the weights from the manifest's facts for serving.

        Raises:
            BundleInvalidError: a weight is missing, or no number.
        """
        names = [f"{prefix}{each.name}_weight" for each in fields(cls)]
        try:
            return cls(*(float(serving[name]) for name in names))
        except (KeyError, ValueError) as error:
            expected = f"numbers {', '.join(names)}"
            raise BundleInvalidError("manifest.json, serving", expected, dict(serving)) from error

    def write(self, prefix: str = "") -> dict[str, float | str]:
        """The inverse of `read`."""
        return {f"{prefix}{name}_weight": weight for name, weight in asdict(self).items()}
