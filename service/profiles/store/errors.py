"""Why a store of profiles gave no profile, or kept none."""

__all__ = ["ProfileStoreError", "ProfileTooLargeError"]


class ProfileStoreError(Exception):
    """The store did not answer in time, not with a value, or did not keep one."""


class ProfileTooLargeError(ProfileStoreError):
    """The store keeps nothing of this size."""
