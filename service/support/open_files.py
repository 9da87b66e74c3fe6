"""Open files: how many a process may have, connections included."""

import resource

_OTHERS = 200  # files of a worker that are no connections: some 60, more with Kafka and memcached


def room_for_connections(wanted: int) -> int:
    """Raise this process's limit of open files, if need be, and return how many connections fit.

    Beyond the limit the system refuses connections, those of good clients like any other.
    """
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHERS
    if now != resource.RLIM_INFINITY and now < needed:
        now = needed if most == resource.RLIM_INFINITY else min(needed, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
    return wanted if now == resource.RLIM_INFINITY else max(1, min(wanted, now - _OTHERS))
