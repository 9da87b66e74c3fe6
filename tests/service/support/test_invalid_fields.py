"""Errors of pydantic as field, expected and found."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from service.support.invalid_fields import JSON, TEXT, FieldError, field_error, sentence


class Part(BaseModel):
    size: int = 1


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field("a", min_length=1, max_length=100)
    parts: list[Part] = []
    price: float = Field(1, ge=0, lt=9)

    @field_validator("name")
    @classmethod
    def _is_lower(cls, name: str) -> str:
        if not name.islower():
            raise ValueError("expected small letters")
        return name


def invalid(**fields: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(fields)
    return caught.value


@pytest.mark.parametrize(
    ("fields", "json", "text"),
    [
        (
            {"parts": [{}, {"size": "x"}]},
            ("parts[1].size", "an integer", '"x"'),
            ("parts.1.size", "a whole number", "'x'"),
        ),
        (
            {"parts": [{"size": "9" * 5000}]},
            ("parts[0].size", "an integer", "a string of 5000 characters"),
            ("parts.0.size", "a whole number", "a string of 5000 characters"),
        ),
        (
            {"parts": [[]]},
            ("parts[0]", "an object", "an array of 0 item(s)"),
            ("parts.0", "a mapping", "a list of 0 item(s)"),
        ),
        ({"name": "A"}, ("name", "small letters", '"A"'), ("name", "small letters", "'A'")),
        (
            {"name": "a" * 101},
            ("name", "at most 100 characters", "a string of 101 characters"),
            ("name", "at most 100 characters", "a string of 101 characters"),
        ),
        ({"price": 9}, ("price", "less than 9", "9"), ("price", "less than 9", "9")),
        (
            {"n" * 99: None},
            ("n" * 60 + "…", "no such field", "null"),
            ("n" * 60 + "…", "no such field", "None"),
        ),
    ],
)
def test_each_notation_has_its_words(
    fields: dict[str, Any], json: tuple[str, str, str], text: tuple[str, str, str]
) -> None:
    (error,) = invalid(**fields).errors()
    assert field_error(error, JSON) == FieldError(*json)
    assert field_error(error, TEXT) == FieldError(*text)


def test_a_sentence_tells_the_first_error_and_counts_the_others() -> None:
    assert sentence(invalid(price=-1).errors()) == "price: expected 0.0 or more, found -1."
    assert sentence(invalid(price=-1, name="", size=1).errors()) == (
        'name: expected at least 1 character(s), found "" (and 2 more).'
    )


def test_text_that_is_no_json_has_the_reason() -> None:
    with pytest.raises(ValidationError) as caught:
        Order.model_validate_json("{")
    assert sentence(caught.value.errors()).startswith("body: expected a JSON object, found EOF")
