"""Signed: a model that holds the digest of its other fields, so that a change of its file shows."""

import hashlib
from typing import Self

from pydantic import BaseModel


class Signed(BaseModel):
    """What is read back from a file.

    Attributes:
        sha256: of the other fields; "" before `signed`.
    """

    sha256: str = ""

    def signed(self) -> Self:
        """The same, with its digest."""
        rest = self.model_dump_json(exclude={"sha256"}).encode()
        return self.model_copy(update={"sha256": hashlib.sha256(rest).hexdigest()})
