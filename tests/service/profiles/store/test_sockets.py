"""Time limits on servers and name servers."""

import socket
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from chaos.memcached import Server, servers, wire
from service.profiles.store.errors import ProfileStoreError
from service.profiles.store.memcached import Memcached
from service.profiles.store.sockets import Names

NAME = "profiles.test"
PATIENT_S, IMPATIENT_MS = 10, 5


class NameServer:
    """What knows one name, and may be stuck or out of order."""

    def __init__(self, others: Callable[..., object]) -> None:
        self.answers = Event()
        self.knows = True
        self._others = others

    def getaddrinfo(self, host: str, port: int, *args: int, **kwargs: int) -> object:
        """As in `socket`."""
        if host != NAME:
            return self._others(host, port, *args, **kwargs)
        self.answers.wait()
        if not self.knows:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self._others("127.0.0.1", port, *args, **kwargs)


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    instead = NameServer(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", instead.getaddrinfo)
    yield instead
    instead.answers.set()


@pytest.fixture
def server() -> Iterator[Server]:
    with servers(1) as (started,):
        yield started


def test_an_answer_that_trickles_ends_in_time(server: Server) -> None:
    with wire(server) as between:
        # Far longer than from one byte to the next: the answer as a whole is what takes too long.
        store = Memcached(between.address, 200)
        between.trickles = True
        with pytest.raises(ProfileStoreError, match="timed out"):
            store.read("a")
        store.close()


def test_an_answer_without_end_is_not_read_to_its_end(server: Server) -> None:
    with wire(server) as between:
        store = Memcached(between.address, PATIENT_S * 1000)
        between.garbage = b"VALUE a 0 50000000000\r\n" + bytes(33 << 20)
        with pytest.raises(ProfileStoreError, match="more than"):
            store.read("a")
        store.close()


def test_a_slow_name_server_does_not_hold_a_read(server: Server, name_server: NameServer) -> None:
    store = Memcached(f"{NAME}:{server.port}", IMPATIENT_MS)
    reads = list(store.threads.map(lambda _: how(store), range(50)))
    assert set(reads) == {"failed"}
    name_server.answers.set()
    while how(store) == "failed":
        pass
    store.close()


def test_a_name_server_that_is_stuck_does_not_hold_closing(name_server: NameServer) -> None:
    store = Memcached(f"{NAME}:1", IMPATIENT_MS)
    reads = [store.threads.submit(how, store) for _ in range(50)]
    store.close()
    assert all(each.done() for each in reads)
    assert not name_server.answers.is_set()


@pytest.mark.parametrize("wait_s", [0, PATIENT_S])
def test_old_addresses_are_used_when_a_name_server_fails(
    name_server: NameServer, wait_s: int
) -> None:
    names = Names()
    name_server.answers.set()
    found = names.look_up(NAME, 11211, PATIENT_S)
    assert found[0][-1] == ("127.0.0.1", 11211)
    if wait_s:
        name_server.knows = False
    else:
        name_server.answers.clear()
    assert names.look_up(NAME, 11211, wait_s) == found


def test_a_lookup_without_old_addresses_fails(name_server: NameServer) -> None:
    name_server.knows = False
    name_server.answers.set()
    with pytest.raises(socket.gaierror):
        Names().look_up(NAME, 11211, PATIENT_S)


def how(store: Memcached) -> str:
    """How reading goes."""
    try:
        return "missing" if store.read("a") is None else "found"
    except ProfileStoreError:
        return "failed"
