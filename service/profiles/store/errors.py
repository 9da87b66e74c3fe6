"""Errors of the profile store."""


class ProfileStoreError(Exception):
    """The store did not answer in time or failed, or did not store a value."""


class ProfileTooLargeError(ProfileStoreError):
    """The value is larger than the store allows."""
