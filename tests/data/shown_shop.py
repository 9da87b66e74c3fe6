"""A shop to be shown in a browser: scores, rules, substitutes, and names with markup in them.

It is the shop of loyal users with two departments. Two items are bought together in 30 of 60
baskets, and the rest of the baskets have another pair. One item and one department have markup in
their names.
"""

from dataclasses import replace
from functools import cache

import numpy as np

from index_builder.bundle.contents import with_association_rules
from service.bundle.bundle import BundleContents
from tests.data.encoded import trained
from tests.data.ruled_shop import ALL
from tests.data.scored_shop import AISLE, N_AISLES, scored_contents

MARKUP = '<img src="x" onerror="document.title = \'read as markup\'">'
MARKED_DEPARTMENT = "House & <b>Home</b>"
PAIR = ("item-00", "item-01")
SUBSTITUTE = ("item-00", "item-02")
MARKED = "item-03"
N_ITEMS = N_AISLES * AISLE


@cache
def shown_contents() -> BundleContents:
    """The contents of the bundle."""
    contents = scored_contents()
    catalogue = contents.catalogue
    first, second = (catalogue.index[each] for each in PAIR)
    given, instead = (catalogue.index[each] for each in SUBSTITUTE)
    names = list(catalogue.names)
    names[catalogue.index[MARKED]] = MARKUP
    departments = [
        "FOOD" if int(each.removeprefix("item-")) < N_ITEMS / 2 else MARKED_DEPARTMENT
        for each in catalogue.item_ids
    ]
    shown = replace(catalogue, names=names, departments=departments, prices=[1.5] * N_ITEMS)
    indptr = (np.arange(N_ITEMS + 1) > given).astype(np.int64)
    contents = replace(
        contents,
        catalogue=shown,
        substitute_indptr=indptr,
        substitute_item=np.array([instead], np.int32),
        substitute_score=np.array([0.25], np.float32),
    )
    others = sorted({*range(N_ITEMS)} - {first, second})[:2]
    baskets = [sorted((first, second))] * 30 + [others] * 30
    return with_association_rules(contents, trained(baskets, N_ITEMS), ALL)
