"""The levels of a taxonomy as codes."""

from service.bundle.catalogue import Catalogue
from service.bundle.taxonomy import taxonomy_levels


def test_names_by_first_appearance_and_none_for_what_was_left_empty() -> None:
    catalogue = Catalogue(
        item_ids=list("abcd"),
        names=list("abcd"),
        departments=["", "", "", ""],
        categories=["milk", "", "bread", "milk"],
        subcategories=["x", "y", "x", "z"],
    )
    levels = taxonomy_levels(catalogue)
    assert list(levels) == ["department", "category", "subcategory"]
    assert [level.names for level in levels.values()] == [[], ["milk", "bread"], ["x", "y", "z"]]
    assert levels["department"].codes.tolist() == [-1] * 4
    assert levels["category"].codes.tolist() == [0, -1, 1, 0]
    assert levels["subcategory"].codes.tolist() == [0, 1, 0, 2]
