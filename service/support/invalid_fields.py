"""Invalid fields: an error of pydantic told as field, expected and found."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_CHARS_SHOWN = 60
_ERRORS_LISTED = 1000  # a body of 1 MiB can hold 100,000, and listing them takes 0.2 s

# What was expected, filled in from the notation and the error's context, by pydantic's error types.
_TYPES = {
    "{array}": "frozen_set_type list_type",
    "{integer}": "int_from_float int_parsing int_parsing_size int_type",
    "{object}": "dict_type model_attributes_type model_type",
    "{string}": "string_type",
    "a finite number": "finite_number",
    "a moment, as of ISO 8601": "datetime_from_date_parsing datetime_parsing",
    "a number": "float_parsing float_type",
    "a string that matches {pattern}": "string_pattern_mismatch",
    "a value": "missing",
    "at least {min_length} character(s)": "string_too_short",
    "at least {min_length} item(s)": "too_short",
    "at most {max_length} characters": "string_too_long",
    "at most {max_length} items": "too_long",
    "characters that UTF-8 can hold": "string_unicode",
    "less than {lt:g}": "less_than",
    "more than {gt:g}": "greater_than",
    "no such field": "extra_forbidden",
    "one of {expected}": "literal_error",
    "true or false": "bool_parsing bool_type",
    "{ge} or more": "greater_than_equal",
    "{le} or less": "less_than_equal",
}
_EXPECTED = {each: template for template, types in _TYPES.items() for each in types.split()}


class Notation(NamedTuple):
    """The words of a format for values; `place` is a template for an index in a field's name."""

    object: str
    array: str
    string: str
    integer: str
    whole: str
    place: str
    write: Callable[[Any], str]


_write_json = partial(json.dumps, ensure_ascii=False, default=str)
JSON = Notation("an object", "an array", "a string", "an integer", "body", "[{}]", _write_json)
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


def errors_of(error: ValidationError) -> list[ErrorDetails]:
    """Return the errors that pydantic found; very many are summed up in one."""
    if (count := error.error_count()) <= _ERRORS_LISTED:
        return error.errors(include_url=False)
    at_most = f"at most {_ERRORS_LISTED} invalid fields"
    return [{"type": "too_many_errors", "loc": (), "msg": at_most, "input": count}]


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
