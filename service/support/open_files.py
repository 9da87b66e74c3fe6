"""Open files: how many a process may have, connections included."""

import resource

OTHER_FILES = 200
"""Files of a process that are no connections: some 90, and more during a swap or with Kafka."""


def room_for_connections(wanted: int) -> int:
    """Raise this process's limit of open files, if need be, and return how many connections fit.

    Beyond the limit the system refuses connections, those of good clients like any other.
    """
    limit = limit_for_connections(wanted)
    return wanted if limit is None else max(1, min(wanted, limit - OTHER_FILES))


def limit_for_connections(wanted: int) -> int | None:
    """Raise this process's limit of open files, if need be, and return it; None for no limit."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if now != resource.RLIM_INFINITY and now < needed:
        now = needed if most == resource.RLIM_INFINITY else min(needed, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
    return None if now == resource.RLIM_INFINITY else now
