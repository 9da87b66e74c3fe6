"""The assortment: which items may be recommended, and what the shop thinks of their categories."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from service.catalogue import Catalogue

__all__ = ["Assortment", "AssortmentError"]

Bool = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]


class AssortmentError(ValueError):
    """A blacklist or a file of taxonomy weights that cannot be used."""


class _File(BaseModel):
    # Strict: `true` is no weight of 1, and "2" none of 2.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Blacklist(_File):
    items: list[str] = []
    categories: list[str] = []


class _TaxonomyWeights(_File):
    department: dict[str, float] = {}
    category: dict[str, float] = {}
    subcategory: dict[str, float] = {}


_Kind = TypeVar("_Kind", bound=_File)


class Assortment:
    """The catalogue's taxonomy by item index, with the shop's own files applied to it.

    Attributes:
        category_codes: (n_items,) int32, equal for items of one category; -1 for none.
        log_weights: (n_items,) float32, what the taxonomy weights add to an item's score.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        blacklist: Path | None = None,
        taxonomy_weights: Path | None = None,
    ) -> None:
        """Applies the shop's files.

        Raises:
            AssortmentError: a file that is missing, not TOML, or holds something else.
        """
        self._catalogue = catalogue
        self._levels = {
            "department": _members(catalogue.departments),
            "category": _members(catalogue.categories),
            "subcategory": _members(catalogue.subcategories),
        }
        self.category_codes = np.full(len(catalogue), -1, np.int32)
        for code, members in enumerate(self._levels["category"].values()):
            self.category_codes[members] = code
        self.log_weights = self._log_weights(taxonomy_weights)
        self._allowed = np.ones(len(catalogue), np.bool_)
        banned = _read(blacklist, _Blacklist)
        self._allowed = self.eligible((), banned.items, banned.categories)

    def eligible(
        self, basket: Sequence[int] | Int32, items: Sequence[str], categories: Sequence[str]
    ) -> Bool:
        """Which items may be recommended now, shape (n_items,).

        Args:
            basket: item indices that the shopper has already.
            items: item ids to leave out; unknown ones leave nothing out.
            categories: names to leave out, of whichever taxonomy level.
        """
        eligible = self._allowed.copy()
        eligible[np.asarray(basket, np.int32)] = False
        for item in items:
            if (index := self._catalogue.index.get(item)) is not None:
                eligible[index] = False
        for name in categories:
            for level in self._levels.values():
                if (members := level.get(name)) is not None:
                    eligible[members] = False
        return eligible

    def _log_weights(self, path: Path | None) -> Float32:
        weights = np.zeros(len(self._catalogue), np.float32)
        for level, by_name in _read(path, _TaxonomyWeights).model_dump().items():
            for name, weight in by_name.items():
                members = self._levels[level].get(name)
                if members is None or not 0 < weight < np.inf:
                    expected = f"a {level} of the catalogue with a weight above 0"
                    raise AssortmentError(f"{path}: expected {expected}, found {name!r}: {weight}")
                weights[members] += np.log(weight)
        return weights


def _members(names: list[str]) -> dict[str, Int32]:
    """Item indices by name; a level that was left empty has no members."""
    members: dict[str, list[int]] = {}
    for item, name in enumerate(names):
        if name:
            members.setdefault(name, []).append(item)
    return {name: np.array(items, np.int32) for name, items in members.items()}


def _read(path: Path | None, kind: type[_Kind]) -> _Kind:
    if path is None:
        return kind()
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AssortmentError(f"{path}: expected a readable TOML file, found: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{path}: {where}: {first['msg']}, found {first['input']!r}"
        raise AssortmentError(message) from error
