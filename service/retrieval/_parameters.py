"""The tuning parameters of a backend, validated."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from service.retrieval._interface import RetrievalError
from service.support.invalid_fields import TEXT, field_error


class Parameters(BaseModel):
    """Base class: fields are integers with defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def of(cls, given: Mapping[str, int]) -> Self:
        """Fill in the defaults.

        Raises:
            RetrievalError: naming the first parameter that is unknown or out of range.
        """
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            wrong = field_error(error.errors()[0], TEXT)
            message = f"parameter {wrong.field!r}: expected {wrong.expected}, found {wrong.found}"
            known = ", ".join(cls.model_fields) or "none"
            raise RetrievalError(f"{message}; parameters are: {known}") from error
