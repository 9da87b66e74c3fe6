"""Workers that divide connections among themselves."""

from collections.abc import Callable
from functools import partial
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from service.http.protocol.balance import ABSENT, Balance


class Shop:
    """Workers in one process, and the connections of clients that come back when they are closed.

    A worker that is next accepts, and each client asks once in a period.
    """

    def __init__(self, workers: int) -> None:
        self.counts = [ABSENT] * workers
        self.workers = [Balance(self.counts, place) for place in range(workers)]
        self.open: list[set[int]] = [set() for _ in range(workers)]
        self.numbers = count()

    def begin(self, place: int) -> None:
        self.workers[place].begin()

    def connect(self) -> None:
        places = [each for each, worker in enumerate(self.workers) if self.counts[each] != ABSENT]
        (place, *_) = [each for each in places if self.workers[each].is_next]
        self.accept(place)

    def accept(self, place: int) -> None:
        self.open[place].add(number := next(self.numbers))
        self.workers[place].use(number)

    def period(self, idle: int = 0) -> int:
        """Have all but some clients of each worker ask; return how many connections were closed."""
        closed = 0
        for worker, numbers in zip(self.workers, self.open, strict=True):
            for number in sorted(numbers)[idle:]:
                worker.use(number)
                if worker.closes_one():
                    worker.forget(number)
                    numbers.remove(number)
                    closed += 1
        for _ in range(closed):
            self.connect()
        for place, worker in enumerate(self.workers):
            if self.counts[place] != ABSENT:
                worker.turn()
        return closed


@given(st.integers(1, 8), st.integers(0, 40))
def test_new_connections_are_divided_evenly(workers: int, connections: int) -> None:
    shop = Shop(workers)
    for place in range(workers):
        shop.begin(place)
    for _ in range(connections):
        shop.connect()
    assert sorted(shop.counts) == sorted(map(len, shop.open))
    assert max(shop.counts) - min(shop.counts) <= 1
    assert [shop.period() for _ in range(3)] == [0, 0, 0]


@given(st.integers(2, 6), st.integers(16, 100))
def test_one_that_comes_later_gets_its_share(workers: int, connections: int) -> None:
    shop = Shop(workers)
    shop.begin(0)
    for _ in range(connections):
        shop.connect()
    for place in range(1, workers):
        shop.begin(place)
    closed = [shop.period() for _ in range(40)]
    average = connections / workers
    assert max(shop.counts) <= average + max(1, 0.1 * average)
    assert min(shop.counts) >= average - max(1, 0.1 * average) * (workers - 1)
    assert closed[-5:] == [0] * 5
    assert sum(closed) <= connections  # nobody is sent back and forth


def test_one_that_has_ended_gets_none() -> None:
    shop = Shop(2)
    shop.begin(0)
    shop.begin(1)
    shop.workers[1].end()
    for _ in range(3):
        shop.connect()
    assert shop.counts == [3, ABSENT]
    assert shop.period() == 0


@given(st.integers(0, 20), st.integers(0, 20))
def test_connections_of_one_that_has_ended_count_no_more(closed: int, asking: int) -> None:
    shop = Shop(2)
    for place in (0, 1):
        shop.begin(place)
    for _ in range(40):
        shop.connect()
    ended = shop.workers[1]
    ended.end()
    for number in sorted(shop.open[1])[:closed]:
        ended.forget(number)
    for number in range(100, 100 + asking):
        ended.use(number)
    ended.turn()
    assert shop.counts[1] == ABSENT
    assert shop.workers[0].is_next


def test_one_that_accepts_nothing_is_waited_for_once_in_a_period() -> None:
    shop = Shop(3)
    for place in range(3):
        shop.begin(place)
    for place in (0, 0, 0, 1):
        shop.accept(place)
    first = shop.workers[0]

    def is_next_after(step: Callable[[], None]) -> bool:
        step()
        return first.is_next

    assert not first.is_next
    assert is_next_after(first.wait_no_more)
    assert not is_next_after(partial(shop.accept, 2))  # it does accept
    assert is_next_after(first.wait_no_more)
    assert not is_next_after(first.turn)


def test_what_is_not_in_use_does_not_count() -> None:
    shop = Shop(2)
    shop.begin(0)
    shop.begin(1)
    for place in (0, 1) * 10:
        shop.accept(place)
    shop.period(idle=8)
    assert shop.counts == [10, 10]  # they were new
    shop.period(idle=8)
    assert shop.counts == [2, 2]
    for number in list(shop.open[0]):
        shop.workers[0].forget(number)
    assert shop.counts[0] == 0
