"""The YAML of a rules file: mappings, lists and text, with the line of each.

Every scalar is text here, and the schema turns some into numbers: item 007 stays 007, and the
country code NO is not false. Anchors, aliases, tags and repeated keys are refused: a rules file
needs none of them, and a few aliases can stand for gigabytes.
"""

from collections.abc import Iterator
from typing import NamedTuple

import yaml

from service.business_rules.errors import Mistake, RulesError

Path = tuple[str | int, ...]
Tree = str | list["Tree"] | dict[str, "Tree"]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # with libyaml if present, as in all wheels
_DEPTH = 8  # twice as deep as any rule needs
_ENTRIES = 250_000  # keys and list items; each takes some 250 bytes while the file is read


class Document(NamedTuple):
    """The contents of a file; `lines` holds the line of each key and list item by its path."""

    tree: Tree
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of the value at `path`, or of the innermost value around it that exists."""
        place: Path = ()
        for part in path:
            if (*place, part) in self.lines:
                place = (*place, part)
        return self.lines[place]


class _MistakeError(Exception):
    """The document is refused; the arguments are line and message."""


def read_yaml(text: str, source: str) -> Document:
    """Reads one document.

    Args:
        text: of the file.
        source: the file's name in errors.

    Raises:
        RulesError: the text is empty, not YAML, or has something that is refused here.
    """
    lines: dict[Path, int] = {}
    try:
        return Document(_document(yaml.parse(text, Loader=_LOADER), lines), lines)
    except _MistakeError as error:
        mistake = Mistake(*error.args)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # For a file that ends too early, libyaml gives the line after the last.
        line = min(mark.line, text.count("\n")) + 1 if mark else None
        mistake = Mistake(line, f"not YAML: {error.problem or error.context}")
    except (yaml.YAMLError, UnicodeError) as error:
        mistake = Mistake(None, f"not YAML: {str(error).splitlines()[0]}")
    raise RulesError(source, [mistake])


def _document(events: Iterator[yaml.Event], lines: dict[Path, int]) -> Tree:
    event = next(events)
    while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
        event = next(events)
    if isinstance(event, yaml.StreamEndEvent):
        raise _MistakeError(1, "the file is empty; for no rules, write: rules: []")
    lines[()] = _line(event)
    tree = _tree(event, events, (), lines)
    next(events)  # the end of the document
    if not isinstance(event := next(events), yaml.StreamEndEvent):
        raise _MistakeError(_line(event), "a second document begins here; write one")
    return tree


def _tree(
    event: yaml.Event, events: Iterator[yaml.Event], path: Path, lines: dict[Path, int]
) -> Tree:
    if len(lines) > _ENTRIES:
        raise _MistakeError(_line(event), f"more than {_ENTRIES:,} keys and list items up to here")
    if len(path) > _DEPTH:
        raise _MistakeError(_line(event), f"nested more than {_DEPTH} levels deep")
    if getattr(event, "anchor", None) or getattr(event, "tag", None):
        raise _MistakeError(_line(event), "anchors, aliases and tags have no place here")
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    if isinstance(event, yaml.SequenceStartEvent):
        return _items(events, path, lines)
    return _fields(events, path, lines)


def _items(events: Iterator[yaml.Event], path: Path, lines: dict[Path, int]) -> list[Tree]:
    found: list[Tree] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        place = (*path, len(found))
        lines[place] = _line(event)
        found.append(_tree(event, events, place, lines))
    return found


def _fields(events: Iterator[yaml.Event], path: Path, lines: dict[Path, int]) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise _MistakeError(_line(event), "expected a name, found a list or a mapping")
        if (key := str(event.value)) in found:
            raise _MistakeError(_line(event), f"{key!r} is given twice")
        place = (*path, key)
        lines[place] = _line(event)
        found[key] = _tree(next(events), events, place, lines)
    return found


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1
