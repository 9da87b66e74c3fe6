"""The trees that a bundle stores, with their columns numbered as this release numbers them."""

from collections.abc import Sequence

import numpy as np

from service.bundle.bundle import Bundle
from service.bundle.errors import BundleInvalidError, BundleVersionError
from service.recommending.ranking.trees import Trees
from service.support.arrays.array_types import Int32


def stored_trees(bundle: Bundle, group: str, root: str, fact: str, columns: Sequence[str]) -> Trees:
    """Reads the trees of a bundle that has them.

    Their nodes refer to columns by number, in the order of the release that built the bundle. The
    manifest names those columns; by the names, the numbers become those of this release.

    Args:
        bundle: the bundle.
        group: prefix of the names of the trees' arrays.
        root: name of the array of roots; several sets of trees may share the other arrays.
        fact: key of the manifest's serving facts under which the columns are named, separated by
            spaces.
        columns: names of the columns that the trees will be given.

    Raises:
        BundleInvalidError: they use a column that is not in `columns`, or have too many leaves.
    """
    arrays = bundle.present()
    names = (root, *(f"{group}_{part}" for part in ("feature", "threshold", "left", "right")))
    roots, feature, *others = (arrays[name] for name in (*names, f"{group}_value"))
    trees = Trees(roots, _renumbered(bundle, f"{group}_feature", feature, fact, columns), *others)
    try:
        trees.predict(np.empty((0, len(columns)), np.float32))
    except ValueError as error:
        raise BundleInvalidError(f"{root}.npy", str(error), "a larger one") from error
    return trees


def _renumbered(
    bundle: Bundle, array: str, feature: Int32, fact: str, columns: Sequence[str]
) -> Int32:
    """The column of each node in the order of `columns`; -1 at leaves, as in `feature`."""
    trained_on = str(bundle.manifest.serving.get(fact, "")).split()
    used = np.unique(feature[feature >= 0])
    if used.max(initial=-1) >= len(trained_on):
        expected = f"numbers of the {len(trained_on)} columns that the manifest names in {fact}"
        raise BundleInvalidError(f"{array}.npy", expected, used.max())
    unknown = [trained_on[column] for column in used if trained_on[column] not in columns]
    if unknown:
        expected, found = "columns that this release computes", ", ".join(unknown)
        thing, remedy = f"manifest.json, serving, {fact}", BundleVersionError.remedy
        raise BundleInvalidError(thing, expected, found, remedy)
    numbers = {name: number for number, name in enumerate(columns)}
    renumbered = np.array([*(numbers.get(name, -1) for name in trained_on), -1], np.int32)
    return renumbered[feature]  # a leaf's -1 takes the last element
