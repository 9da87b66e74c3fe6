"""Errors of bundles.

BundleError
├── BundleMissingError   there is no bundle, or one of its files is missing
├── BundleDamagedError   the bytes on disk are not those that were written
├── BundleVersionError   a format that this release does not read
├── BundleInvalidError   the contents contradict each other or the format
└── BundleRecallError    the index finds less than the manifest promises
"""

from errno import EACCES, EMFILE, ENFILE, ENOMEM, EPERM

_FORBIDDEN = "Let the user of the process read its folder and its files."
_TOO_MANY = "Raise the limit of open files (ulimit -n): each array of a bundle is one."
REMEDIES = {
    EACCES: _FORBIDDEN,
    EPERM: _FORBIDDEN,
    EMFILE: _TOO_MANY,
    ENFILE: _TOO_MANY,
    ENOMEM: "Give the process more memory.",
}
"""What helps where files are there and the system refuses to read them, by its error."""


class BundleError(Exception):
    """A bundle is refused; the message has thing, expected, found and remedy."""

    remedy = "Build a new bundle with rtt2vec-build."

    def __init__(self, thing: object, expected: object, found: object, remedy: str = "") -> None:
        super().__init__(f"{thing}: expected {expected}, found {found}. {remedy or self.remedy}")


class BundleMissingError(BundleError):
    """There is no bundle, or one of its files is missing."""

    remedy = "Build a bundle with rtt2vec-build, or restore the missing file from a copy."


class BundleDamagedError(BundleError):
    """The bytes on disk are not those that were written."""

    remedy = "Restore the bundle from a copy, or build a new one with rtt2vec-build."


class BundleVersionError(BundleError):
    """A format that this release does not read."""

    remedy = "Install the release that built it, or build a new bundle with this one."


class BundleInvalidError(BundleError):
    """The contents contradict each other or the format."""


class BundleRecallError(BundleError):
    """The index finds less than the manifest promises."""

    remedy = "Build a new bundle, or serve with the exact backend."
