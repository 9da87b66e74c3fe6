"""Which worker has the connections to a service, as the system shows it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tests.service.conftest import Served

_ESTABLISHED = "01"
_TOLERATED = 0.2  # of a worker's share


def connections_of(served: Served) -> list[int]:
    """How many connections to the service each worker has."""
    _, port = served.address
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {
        f"socket:[{line[9]}]"
        for line in lines
        if line[3] == _ESTABLISHED and int(line[1].rpartition(":")[2], 16) == port
    }
    return [len(ours & set(_files(worker))) for worker in served.workers]


def is_shared(connections: Sequence[int], workers: int = 2) -> bool:
    """Whether each worker has its share of all connections, within 20 %."""
    share = sum(connections) / workers
    within = all(abs(each - share) <= _TOLERATED * share for each in connections)
    return len(connections) == workers and within


def _files(worker: int) -> Iterator[str]:
    with suppress(OSError):  # the worker has ended meanwhile
        for link in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                yield str(link.readlink())
