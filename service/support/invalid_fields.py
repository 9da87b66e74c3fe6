"""Invalid fields: an error of pydantic told as field, expected and found."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

_CHARS_SHOWN = 60

# By pydantic's error type, filled in from the notation and from the error's context.
_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "datetime_from_date_parsing": "a moment, as of ISO 8601",
    "datetime_parsing": "a moment, as of ISO 8601",
    "dict_type": "{object}",
    "extra_forbidden": "no such field",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "frozen_set_type": "{array}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge} or more",
    "int_from_float": "{integer}",
    "int_parsing": "{integer}",
    "int_type": "{integer}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "{le} or less",
    "list_type": "{array}",
    "literal_error": "one of {expected}",
    "missing": "a value",
    "model_attributes_type": "{object}",
    "model_type": "{object}",
    "string_pattern_mismatch": "a string that matches {pattern}",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} character(s)",
    "string_type": "{string}",
    "string_unicode": "characters that UTF-8 can hold",
    "too_long": "at most {max_length} items",
    "too_short": "at least {min_length} item(s)",
}


class Notation(NamedTuple):
    """The words of a file format or protocol.

    Attributes:
        object: its name for fields and their values.
        array: its name for a sequence of values.
        string: its name for characters.
        integer: its name for a number without a fraction.
        whole: its name for everything that was given.
        place: a template for a place in an array, as part of a field's name.
        write: turns a scalar into text.
    """

    object: str
    array: str
    string: str
    integer: str
    whole: str
    place: str
    write: Callable[[Any], str]


JSON = Notation(
    "an object",
    "an array",
    "a string",
    "an integer",
    "body",
    "[{}]",
    partial(json.dumps, ensure_ascii=False, default=str),
)
"""Of requests and events."""
TEXT = Notation("a mapping", "a list", "text", "a whole number", "the file", ".{}", repr)
"""Of files and settings that people write."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One invalid field."""

    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, found {self.found}"


def field_error(error: ErrorDetails, notation: Notation = JSON) -> FieldError:
    """Return an error of pydantic in the words of a notation.

    A validator's own ValueError should read `expected …`.
    """
    context = error.get("ctx", {})
    if error["type"] == "json_invalid":
        return FieldError(notation.whole, "a JSON object", context["error"])
    if template := _EXPECTED.get(error["type"]):
        expected = template.format_map(notation._asdict() | context)
    else:
        expected = error["msg"].removeprefix("Value error, ").removeprefix("expected ")
    return FieldError(_field(error["loc"], notation), expected, _found(error["input"], notation))


def sentence(errors: Sequence[ErrorDetails]) -> str:
    """Return the first error as a sentence, with the number of the others."""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{field_error(errors[0])}{more}."


def shortened(text: str) -> str:
    """Return at most 60 characters of a text, as UTF-8 can hold them."""
    text = text.encode(errors="replace").decode()  # half a surrogate pair has no bytes
    return text if len(text) <= _CHARS_SHOWN else f"{text[:_CHARS_SHOWN]}…"


def _field(location: tuple[int | str, ...], notation: Notation) -> str:
    """`("basket", 3)` reads `basket[3]` in JSON."""
    parts = [
        notation.place.format(part) if isinstance(part, int) else f".{part}" for part in location
    ]
    return shortened("".join(parts).removeprefix(".") or notation.whole)


def _found(value: Any, notation: Notation) -> str:
    match value:
        case str() if len(value) > _CHARS_SHOWN:
            return f"a string of {len(value)} characters"
        case list():
            return f"{notation.array} of {len(value)} item(s)"
        case dict():
            return notation.object
        case _:
            return shortened(notation.write(value))
