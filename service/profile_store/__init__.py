"""Profiles on servers: memcached, for shops whose profiles no process could hold."""

__all__ = ["ProfileStoreError", "ProfileStoreOpenError"]


class ProfileStoreError(Exception):
    """The store did not answer in time, not with a profile, or did not keep one."""


class ProfileStoreOpenError(ProfileStoreError):
    """The store was not asked: it has failed too often."""
