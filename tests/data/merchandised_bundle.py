"""The tiny bundle, with brands and prices for business rules to speak of."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from service.bundle.bundle import preview_bundle
from tests.data.tiny_bundle import N_ITEMS, tiny_contents

_BASE = tiny_contents()
CATALOGUE = replace(
    _BASE.catalogue,
    brands=[("own", "Acme", "")[item % 3] for item in range(N_ITEMS)],
    prices=[None if item % 7 == 0 else item / 8 for item in range(N_ITEMS)],
)
CONTENTS = replace(_BASE, catalogue=CATALOGUE)
BUNDLE = preview_bundle(CONTENTS)


def matches(rule: Mapping[str, Any]) -> set[str]:
    """The item ids that meet the conditions of a rule, from their definition."""
    return {item_id for item, item_id in enumerate(CATALOGUE.item_ids) if _meets(item, rule)}


def _meets(item: int, rule: Mapping[str, Any]) -> bool:
    taxonomy = {
        CATALOGUE.departments[item],
        CATALOGUE.categories[item],
        CATALOGUE.subcategories[item],
    }
    brands, prices = CATALOGUE.brands or [], CATALOGUE.prices or []
    band, price = rule.get("price"), prices[item]
    return (
        ("item" not in rule or CATALOGUE.item_ids[item] in rule["item"])
        and ("category" not in rule or bool(taxonomy & set(rule["category"])))
        and ("brand" not in rule or brands[item] == rule["brand"])
        and (
            band is None
            or (price is not None and band.get("min", 0) <= price <= band.get("max", float("inf")))
        )
    )
