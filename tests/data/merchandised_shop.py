"""A shop of eight items, small enough to derive by hand what a rules file does to it."""

from collections.abc import Iterable

from service.bundle.catalogue import Catalogue
from service.business_rules.compiling import CompiledRule, Compiler

SHOP = Catalogue(
    item_ids=["rye", "bun", "rose", "rake", "tea", "mug", "007", "gift"],
    names=["Rye bread", "Bun", "Rose", "Rake", "Tea", "Mug", "Martini", "Gift card"],
    departments=["food", "food", "green", "green", "food", "home", "food", ""],
    categories=["bread", "bread", "plants", "tools", "drinks", "cups", "drinks", ""],
    subcategories=["loaves", "rolls", "", "", "", "", "spirits", ""],
    brands=["own", "", "own", "Acme", "Acme", "own", "", ""],
    prices=[1.99, 0.5, 3.0, 12.5, 1.99, 4.0, 7.0, None],
)
COMPILER = Compiler(SHOP)


def rules_of(*lines: str) -> list[CompiledRule]:
    """The rules of a file, each given in braces: `{name: …, action: …}`."""
    return COMPILER.compile(text_of(*lines), "rules.yaml")


def text_of(*lines: str) -> str:
    """The text of such a file; rule n stands on line n + 2."""
    return "\n".join(["rules:" if lines else "rules: []", *(f"- {line}" for line in lines)])


def ids(items: Iterable[int]) -> set[str]:
    """The item ids of some item indices."""
    return {SHOP.item_ids[item] for item in items}
