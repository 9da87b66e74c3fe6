"""Profiles on memcached servers, for shops whose profiles are too many for one process."""
