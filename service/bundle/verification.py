"""Verification: the files of a bundle are the ones that its manifest names, byte for byte."""

from collections.abc import Collection
from pathlib import Path

from service.bundle.errors import (
    BundleDamagedError,
    BundleError,
    BundleInvalidError,
    BundleMissingError,
)
from service.bundle.manifest import MANIFEST, FileFacts, IndexFacts, Manifest
from service.bundle.publishing import CURRENT
from service.bundle.tables import ITEMS, USERS
from service.retrieval import Retrieval, RetrievalError, backend


def locate(path: Path) -> Path:
    """Return the directory of the bundle at `path`, or of the one that `path/current` points at.

    Raises:
        BundleMissingError: there is neither.
    """
    for directory in (path / CURRENT, path):
        if (directory / MANIFEST).is_file():
            return directory.resolve()
    expected = f"a bundle ({MANIFEST}) or a directory whose {CURRENT!r} points at one"
    raise BundleMissingError(path, expected, "neither")


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest, and check it against its id and the names that it must have.

    Raises:
        BundleError: it is refused, or names other files than follow from it.
        OSError: it cannot be read.
    """
    path = directory / MANIFEST
    manifest = Manifest.read(path)
    # A copy that followed links has a directory in place of the link `current`.
    if directory.name not in (manifest.bundle_id, CURRENT):
        remedy = "Give the directory its old name back, or build a new bundle."
        raise BundleInvalidError(directory, f"name {manifest.bundle_id}", directory.name, remedy)
    expected = {ITEMS, USERS, *(f"{name}.npy" for name in manifest.arrays)}
    expected.update(installed_backend(manifest.retrieval, directory).files)
    if set(manifest.files) != expected:
        raise BundleInvalidError(path, sorted(expected), sorted(manifest.files))
    return manifest


def verify_sizes(directory: Path, manifest: Manifest) -> None:
    """Check that all files are there, and as long as the manifest has them.

    Raises:
        BundleError: a file is missing, or longer or shorter.
    """
    for name, expected in manifest.files.items():
        path = directory / name
        if not path.is_file():
            raise BundleMissingError(path, f"a file of {expected.bytes} bytes", "none")
        found = path.stat().st_size
        if found != expected.bytes:
            raise BundleDamagedError(path, f"{expected.bytes} bytes", f"{found} bytes")


def verify_bytes(directory: Path, manifest: Manifest, besides: Collection[str] = ()) -> None:
    """Check the bytes of all files but some against the manifest.

    Raises:
        BundleError: a file is damaged.
        OSError: a file cannot be read.
    """
    for name, expected in manifest.files.items():
        if name in besides:
            continue
        digest = FileFacts.of(directory / name).sha256
        if digest != expected.sha256:
            raise BundleDamagedError(directory / name, f"SHA-256 {expected.sha256}", digest)


def is_intact(directory: Path) -> bool:
    """Whether a directory holds a bundle that can be verified."""
    try:
        manifest = read_manifest(directory)
        verify_sizes(directory, manifest)
        verify_bytes(directory, manifest)
    except (BundleError, OSError):
        return False
    return True


def installed_backend(facts: IndexFacts, directory: Path) -> type[Retrieval]:
    """Return the retrieval backend of a bundle.

    Raises:
        BundleInvalidError: it is unknown or not installed.
    """
    try:
        return backend(facts.backend)
    except RetrievalError as error:
        expected = "a retrieval backend that is installed here"
        raise BundleInvalidError(directory, expected, error) from error
