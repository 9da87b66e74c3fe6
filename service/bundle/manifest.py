"""The manifest: what a bundle holds, how it was built, and the checksum of every file.

It is stored in one canonical form, and its id is the hash of the rest, so that any changed byte is
detected. It holds no wall-clock time: equal contents have an equal id.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import from_json

from service.bundle.errors import BundleDamagedError, BundleInvalidError, BundleVersionError
from service.support.files import read_regular
from service.support.invalid_fields import TEXT, field_error

MANIFEST = "manifest.json"
FORMAT: Final = "rtt2vec-bundle"
FORMAT_VERSION: Final = 1
_LIMIT_BYTES = 64 << 20  # a thousand times as large as any


def _iso_timestamp(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _finite(facts: dict[str, JsonValue]) -> dict[str, JsonValue]:
    json.dumps(facts, allow_nan=False)
    return facts


# No separator and no leading dot, so that a name cannot lead out of the bundle.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=128)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Timestamp = Annotated[str, AfterValidator(_iso_timestamp)]
FreeFacts = Annotated[dict[str, JsonValue], AfterValidator(_finite)]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FileFacts(_Facts):
    """Size and SHA-256 of one file."""

    bytes: int = Field(ge=0)
    sha256: Sha256

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read a file and describe it."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return cls(bytes=file.tell(), sha256=digest)


class ArrayFacts(_Facts):
    """Shape and dtype of one array."""

    shape: tuple[int, ...]
    dtype: str


class IndexPoint(_Facts):
    """Parameters that a build tried, their recall, and the bytes that a query reads."""

    parameters: dict[str, int]
    ann_recall_at_k: float = Field(ge=0, le=1)
    cost_bytes: int = Field(ge=0)


class IndexFacts(_Facts):
    """The retrieval backend, and its recall on `recall_queries` against exact search.

    `list_recall_at_k` is that of the closest lists on `list_queries`; None without lists.
    `frontier` holds the points that a build chose from, cheapest first, with ascending recall.
    """

    backend: str
    parameters: dict[str, int]
    ann_recall_at_k: float = Field(ge=0, le=1)
    k: int = Field(ge=1)
    target: float = Field(ge=0, le=1)
    list_recall_at_k: float | None = Field(None, ge=0, le=1)
    frontier: tuple[IndexPoint, ...] = ()

    @model_serializer(mode="wrap")
    def _without_what_is_empty(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keep the bytes, and so the id, of bundles from before there were these fields."""
        document: dict[str, Any] = write(self)
        later = ("list_recall_at_k", "frontier")
        return {k: v for k, v in document.items() if k not in later or v}


class Manifest(_Facts):
    """Everything about a bundle that is not in its arrays and tables."""

    format: Literal["rtt2vec-bundle"] = FORMAT
    format_version: Literal[1] = FORMAT_VERSION
    bundle_id: str = Field(default="", pattern=r"^([0-9a-f]{16})?$")
    as_of: Timestamp = Field(description="all baskets began before it")
    build: FreeFacts = Field(description="the configuration of the build")
    serving: dict[str, float | str] = Field(description="defaults for the recommender")
    arrays: dict[str, ArrayFacts]
    retrieval: IndexFacts
    metrics: FreeFacts = Field(description="offline metrics, by group and name")
    files: dict[FileName, FileFacts]

    @property
    def cut(self) -> datetime:
        """`as_of`, naive UTC."""
        return datetime.fromisoformat(self.as_of)

    @property
    def cut_s(self) -> int:
        """`as_of` in epoch seconds."""
        return int(self.cut.replace(tzinfo=UTC).timestamp())

    def signed(self) -> Self:
        """Return the manifest with its id: 16 hex digits of the SHA-256 over the rest."""
        digest = hashlib.sha256(_canonical(self.model_dump(mode="json", exclude={"bundle_id"})))
        return self.model_copy(update={"bundle_id": digest.hexdigest()[:16]})

    def encode(self) -> bytes:
        """Return the canonical form of this manifest, the only one that `decode` accepts."""
        return _canonical(self.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the manifest in a file.

        Raises:
            BundleError: it is refused, as in `decode`.
            OSError: it cannot be read.
        """
        return cls.decode(read_regular(path, _LIMIT_BYTES), path)

    @classmethod
    def decode(cls, text: bytes, name: object = MANIFEST) -> Self:
        """Read a manifest; errors call it `name`.

        Raises:
            BundleVersionError: another format, or a version that this release does not know.
            BundleInvalidError: fields are missing, unknown or malformed.
            BundleDamagedError: the bytes are not those that were written.
        """
        document = _parse(text, name)
        kind, version = document.get("format"), document.get("format_version")
        if (kind, version) != (FORMAT, FORMAT_VERSION):
            expected = f"format {FORMAT!r}, version {FORMAT_VERSION}"
            raise BundleVersionError(name, expected, f"format {kind!r}, version {version!r}")
        try:
            manifest = cls.model_validate(document)
        except ValidationError as error:
            wrong = field_error(error.errors()[0], TEXT)
            thing = f"{name}, field {wrong.field}"
            raise BundleInvalidError(thing, wrong.expected, wrong.found) from error
        signed = manifest.signed()
        if signed.bundle_id != manifest.bundle_id:
            raise BundleDamagedError(name, f"bundle_id {signed.bundle_id}", manifest.bundle_id)
        if manifest.encode() != text:
            raise BundleDamagedError(name, "the canonical spelling", "other bytes")
        return manifest


def _parse(text: bytes, name: object) -> dict[str, Any]:
    try:
        document = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise BundleDamagedError(name, "JSON", error) from error
    if not isinstance(document, dict):
        raise BundleInvalidError(name, "a JSON object", type(document).__name__)
    return document


def _canonical(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()
