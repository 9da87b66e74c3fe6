"""The circuit breaker of a failing store."""

from service.profiles.store.circuit import LEFT_ALONE_S, Circuit, Turn


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def given(circuit: Circuit) -> Turn:
    turn = circuit.turn()
    assert turn is not None
    return turn


def asked(circuit: Circuit, *, failed: bool | None, times: int = 1) -> None:
    """Have turns that all end alike."""
    for _ in range(times):
        turn = given(circuit)
        turn.failed = failed
        circuit.over(turn)


def opened(clock: Clock) -> Circuit:
    circuit = Circuit(clock)
    asked(circuit, failed=True, times=5)
    return circuit


def test_five_failures_in_a_row_open_it() -> None:
    circuit = Circuit()
    asked(circuit, failed=True, times=4)
    asked(circuit, failed=False)
    asked(circuit, failed=True, times=4)
    assert circuit.times_opened == 0
    asked(circuit, failed=True)
    assert circuit.times_opened == 1
    assert circuit.turn() is None


def test_turns_that_did_not_need_the_store_say_nothing() -> None:
    circuit = Circuit()
    for _ in range(4):
        asked(circuit, failed=True)
        asked(circuit, failed=None)
    asked(circuit, failed=True)
    assert circuit.turn() is None


def test_then_one_tries_and_the_others_do_not() -> None:
    circuit = opened(clock := Clock())
    for failed in (True, False):
        clock.now += LEFT_ALONE_S - 0.001
        assert circuit.turn() is None
        clock.now += 0.001
        trial = given(circuit)
        assert trial.trial
        assert circuit.turn() is None
        trial.failed = failed
        circuit.over(trial)
    assert circuit.times_opened == 2
    assert not given(circuit).trial


def test_a_trial_that_tells_nothing_leaves_it_to_the_next() -> None:
    circuit = opened(clock := Clock())
    clock.now += LEFT_ALONE_S
    circuit.over(given(circuit))  # the answer was late, or the store was not needed
    assert given(circuit).trial
    assert circuit.turn() is None


def test_it_tells_when_it_opens_and_closes() -> None:
    told: list[bool] = []
    circuit = Circuit(clock := Clock(), told.append)
    asked(circuit, failed=True, times=4)
    assert told == [False]
    asked(circuit, failed=True)
    assert told == [False, True]
    for failed in (True, None, False):  # it is still open after a trial that failed or told nothing
        clock.now += LEFT_ALONE_S
        asked(circuit, failed=failed)
    assert told == [False, True, False]
