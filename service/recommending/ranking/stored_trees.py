"""The trees that a bundle holds, checked against the columns that they will be given."""

from collections.abc import Iterable

import numpy as np

from service.bundle.arrays import needed
from service.bundle.bundle import Bundle
from service.bundle.errors import BundleInvalidError
from service.recommending.ranking.trees import Trees

__all__ = ["stored_trees"]


def stored_trees(bundle: Bundle, group: str, root: str, fact: str, columns: Iterable[str]) -> Trees:
    """Reads trees; the bundle must hold them.

    Args:
        bundle: where from.
        group: what the names of their arrays begin with.
        root: name of the array of their roots: several sets of trees may share the others.
        fact: of the manifest, which names the columns that they were trained on.
        columns: those that they will be given.

    Raises:
        BundleInvalidError: they were trained on others, or are too large.
    """
    columns = list(columns)
    trained_on = bundle.manifest.serving.get(fact)
    if trained_on != " ".join(columns):
        expected = f"trees of the columns {' '.join(columns)}"
        raise BundleInvalidError(f"manifest.json, serving, {fact}", expected, trained_on)
    arrays = bundle.present()
    if arrays[f"{group}_feature"].max(initial=-1) >= len(columns):
        expected = f"numbers below {len(columns)}"
        raise BundleInvalidError(f"{group}_feature.npy", expected, "larger ones")
    names = (root, *(f"{group}_{part}" for part in ("feature", "threshold", "left", "right")))
    trees = Trees(*(needed(arrays[name]) for name in (*names, f"{group}_value")))
    try:
        trees.predict(np.empty((0, len(columns)), np.float32))
    except ValueError as error:
        raise BundleInvalidError(f"{root}.npy", str(error), "a larger one") from error
    return trees
