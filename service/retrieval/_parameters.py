"""What can be tuned on a backend, validated and named in errors."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from service.retrieval._interface import RetrievalError

__all__ = ["Parameters"]


class Parameters(BaseModel):
    """Base of a backend's parameters: whole numbers with a default each, no others."""

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
            first = error.errors()[0]
            name, known = first["loc"][0], ", ".join(cls.model_fields) or "none"
            message = f"parameter {name!r}: {first['msg']}, found {first['input']!r}"
            raise RetrievalError(f"{message}; parameters are: {known}") from error
