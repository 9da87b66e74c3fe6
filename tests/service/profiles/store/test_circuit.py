"""When a store that fails is asked."""

from service.profiles.store.circuit import Circuit, Turn


def failed(circuit: Circuit, times: int) -> None:
    """Have turns, and fail."""
    for _ in range(times):
        turn = circuit.turn()
        assert turn is not None
        turn.failed = True
        circuit.over(turn)


def trial(circuit: Circuit) -> Turn:
    """The first turn after the store was left alone."""
    while (turn := circuit.turn()) is None:
        pass  # a second
    return turn


def test_five_failures_in_a_row_open_it() -> None:
    circuit = Circuit()
    failed(circuit, 4)
    well = circuit.turn()
    assert well is not None
    well.failed = False
    circuit.over(well)
    failed(circuit, 5)
    assert circuit.turn() is None


def test_turns_that_did_not_need_the_store_say_nothing() -> None:
    circuit = Circuit()
    for _ in range(5):
        failed(circuit, 1)
        unneeded = circuit.turn()
        if unneeded is not None:
            circuit.over(unneeded)
    assert circuit.turn() is None


def test_then_one_tries_and_the_others_do_not() -> None:
    circuit = Circuit()
    failed(circuit, 5)
    trying = trial(circuit)
    assert circuit.turn() is None
    trying.failed = True
    circuit.over(trying)
    assert circuit.turn() is None
    trying = trial(circuit)
    trying.failed = False
    circuit.over(trying)
    assert None not in [circuit.turn() for _ in range(50)]


def test_who_tried_in_vain_leaves_it_to_the_next() -> None:
    circuit = Circuit()
    failed(circuit, 5)
    circuit.over(trial(circuit))  # nobody waited any longer, or it was not needed
    trying = circuit.turn()
    assert trying is not None
    assert trying.trial
    assert circuit.turn() is None
