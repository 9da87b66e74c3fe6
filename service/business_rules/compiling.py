"""Compiling: from the text of a rules file to the items of each business rule."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from difflib import get_close_matches
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.bundle.catalogue import Catalogue
from service.bundle.taxonomy import Level
from service.business_rules._yaml import Document, Path, read_yaml
from service.business_rules.errors import Mistake, RulesError
from service.business_rules.schedule import Schedule
from service.business_rules.schema import BusinessRule, PriceBand, RulesFile
from service.support.arrays.array_types import Int32
from service.support.invalid_fields import TEXT, field_error

_LOOKS = 10  # for a name like an unknown one, of some milliseconds each
MEMBERS_LIMIT = 64 << 20
"""Items that the conditions of a file may have in all; each takes four bytes."""

_ACTIONS = ("exclude", "exclude_purchased", "boost", "bury", "pin", "minimum", "maximum")


class _MistakeError(Exception):
    """A rule is refused; the arguments are its path and the message."""


class CompiledRule(NamedTuple):
    """A business rule, looked up in a catalogue.

    Attributes:
        rule: as it was written.
        members: (n,) int32, the items that it concerns, ascending: the most popular one first.
        schedule: when it is in force; None for always.
        stores: where it is in force; None for everywhere.
        line: of the rule in its file, from 1.
        unknown_items: ids that it names, and that the catalogue does not have.
    """

    rule: BusinessRule
    members: Int32
    schedule: Schedule | None
    stores: frozenset[str] | None
    line: int
    unknown_items: list[str]


class Compiler:
    """Compiles business rules for one catalogue."""

    def __init__(self, catalogue: Catalogue, members_limit: int = MEMBERS_LIMIT) -> None:
        self._members_limit = members_limit
        self._catalogue = catalogue
        self._categories = catalogue.members  # of any level
        self._brands = Level.of(catalogue.brands or ()).members
        self._prices = np.array(catalogue.prices or (), float)  # NaN for unknown prices

    def compile(self, text: str, source: str) -> list[CompiledRule]:
        """Returns the rules in the order of the file; errors call it `source`.

        Items outside the catalogue are no mistakes, since items come and go with every build; the
        rule remembers them. An unknown category or brand is a mistake.

        Raises:
            RulesError: there are mistakes; it has each with its line.
        """
        document = read_yaml(text, source)

        def placed(mistakes: Iterable[tuple[Path, str]]) -> Iterator[Mistake]:
            return (Mistake(document.line(path), message) for path, message in mistakes)

        try:
            file = RulesFile.model_validate(document.tree)
        except ValidationError as error:
            found = placed((each["loc"], _message(each)) for each in error.errors())
            raise RulesError(source, found) from None
        found = placed(self._mistakes(file))
        if (first := next(found, None)) is not None:
            raise RulesError(source, chain([first], found))
        try:
            return list(self._compiled(file, document))
        except _MistakeError as error:
            raise RulesError(source, placed([error.args])) from None

    def _mistakes(self, file: RulesFile) -> Iterator[tuple[Path, str]]:
        """Mistakes that the schema does not find."""
        names: set[str] = set()
        unknown = _Unknown()
        zone = ZoneInfo(file.timezone)
        for place, rule in enumerate(file.rules):
            path: Path = ("rules", place)
            if rule.name in names:
                yield (*path, "name"), f"another rule is called {rule.name!r}"
            names.add(rule.name)
            try:
                rule.schedule(zone)
            except ValueError as error:
                yield (*path, "until"), str(error)
            for row, name in enumerate(rule.category or ()):
                if name not in self._categories:
                    message = unknown.message("category", name, self._categories)
                    yield (*path, "category", row), message
            yield from self._unpriced(rule, path, unknown)

    def _unpriced(
        self, rule: BusinessRule, path: Path, unknown: "_Unknown"
    ) -> Iterator[tuple[Path, str]]:
        lacking = "this bundle's catalogue has no {}s; build it from products with a column {}"
        if rule.price is not None and self._catalogue.prices is None:
            yield (*path, "price"), lacking.format("price", "price")
        if rule.brand is not None and self._catalogue.brands is None:
            yield (*path, "brand"), lacking.format("brand", "brand")
            return
        for row, name in enumerate(rule.brand or ()):
            if name not in self._brands:
                yield (*path, "brand", row), unknown.message("brand", name, self._brands)

    def _compiled(self, file: RulesFile, document: Document) -> Iterator[CompiledRule]:
        zone = ZoneInfo(file.timezone)
        known: dict[Hashable, Int32] = {}  # rules with equal conditions share their members
        kept = 0
        for place, rule in enumerate(file.rules):
            names = (rule.item, rule.category, rule.brand)
            conditions = (*(each and frozenset(each) for each in names), rule.price)
            if (members := known.get(conditions)) is None:
                members = known[conditions] = self._members(rule)
                kept += len(members)
            if kept > self._members_limit:
                expected = f"expected rules for at most {self._members_limit:,} items in all"
                raise _MistakeError(("rules", place), f"{expected}, found more up to here")
            stores = None if rule.store is None else frozenset(rule.store)
            unknown = self._catalogue.look_up(rule.item or ())[1]
            line = document.line(("rules", place))
            yield CompiledRule(rule, members, rule.schedule(zone), stores, line, unknown)

    def _members(self, rule: BusinessRule) -> Int32:
        """The items that meet every condition of a rule, ascending."""
        found = [
            _union(names, find)
            for names, find in (
                (rule.item, self._item),
                (rule.category, self._categories.__getitem__),
                (rule.brand, self._brands.__getitem__),
            )
            if names is not None
        ]
        if rule.price is not None:
            found.append(self._priced(rule.price))
        members = found[0]
        for others in found[1:]:
            members = np.intersect1d(members, others, assume_unique=True)
        return members

    def _item(self, item_id: str) -> Int32:
        row = self._catalogue.row(item_id)
        return np.array([] if row is None else [row], np.int32)

    def _priced(self, band: PriceBand) -> Int32:
        within = (self._prices >= band.min) & (self._prices <= band.max)
        return np.flatnonzero(within).astype(np.int32)


def _union(names: list[str], find: Callable[[str], Int32]) -> Int32:
    """The members of all the names, ascending."""
    found = [find(name) for name in set(names)]
    return found[0] if len(found) == 1 else np.unique(np.concatenate(found))


def _message(error: ErrorDetails) -> str:
    """An error of pydantic as a message, to which the line is added."""
    path, found = error["loc"], error["input"]
    field = path[-1] if path else TEXT.whole
    match error["type"]:
        case "missing":
            return f"{field} is missing"
        case "extra_forbidden":
            return f"there is no field {field!r}"
        case "union_tag_invalid" | "union_tag_not_found":
            tag = error["ctx"].get("tag")
            return f"action: expected one of {', '.join(_ACTIONS)}, found {tag!r}"
    prefix = f"{field}: " if isinstance(field, str) and field not in _ACTIONS else ""
    expected = f"{prefix}expected {field_error(error, TEXT).expected}"
    return f"{expected}, found {found!r}" if isinstance(found, str) else expected


class _Unknown:
    """Messages for unknown names; only the first few look for a name that is alike."""

    def __init__(self) -> None:
        self._looks = _LOOKS

    def message(self, kind: str, name: str, names: Iterable[str]) -> str:
        near = get_close_matches(name, list(names), n=1) if self._looks else []
        self._looks -= bool(self._looks)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"the catalogue has no {kind} {name!r}{hint}"
