"""The tiny bundle with rules, mined from baskets that are written by hand."""

from collections.abc import Collection, Sequence

from index_builder.bundle.contents import with_association_rules
from index_builder.config import AssociationRulesConfig
from service.bundle.bundle import BundleContents
from tests.data.encoded import trained
from tests.data.tiny_bundle import N_ITEMS, tiny_contents

ALL = AssociationRulesConfig(
    min_support=0.01, min_baskets=1, min_confidence=0, min_lift=0, min_expected_baskets=5
)

# Who has 10 and 12 takes 14 every second time, and 16 otherwise; 14 alone calls for 12.
# Bakery (even) and garden (odd) meet in one basket of 20, by chance in 13 · 8 / 20 = 5.2.
BASKETS: list[set[int]] = [
    *[{10, 12, 14}] * 3,
    *[{10, 12, 16}] * 3,
    *[{12, 14}] * 2,
    *[{11, 13}] * 4,
    *[{11, 13, 15}] * 3,
    *[{30}] * 4,
    {10, 11},
]


def ruled_contents(
    baskets: Sequence[Collection[int]] = BASKETS, config: AssociationRulesConfig = ALL
) -> BundleContents:
    """Return the tiny bundle's contents with the rules of these baskets."""
    return with_association_rules(
        tiny_contents(), trained([sorted(b) for b in baskets], N_ITEMS), config
    )
