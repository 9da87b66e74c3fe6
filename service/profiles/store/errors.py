"""Profiles on servers: memcached, for shops whose profiles no process could hold."""

__all__ = ["SERVERS", "ProfileStoreError", "ProfileTooLargeError"]

# `host:port`, several between commas: how settings and commands name servers.
SERVERS = r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$"


class ProfileStoreError(Exception):
    """The store did not answer in time, not with a value, or did not keep one."""


class ProfileTooLargeError(ProfileStoreError):
    """The store keeps nothing of this size."""
