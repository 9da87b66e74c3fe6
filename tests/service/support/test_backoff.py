"""Backoff, on a clock that is set by hand."""

from service.support.backoff import Backoff


def test_waits_double_up_to_a_limit_until_an_attempt_succeeds() -> None:
    now = 100.0
    backoff = Backoff(1, 5, lambda: now)
    assert backoff.left_s == 0
    assert [backoff.fail() for _ in range(5)] == [1, 2, 4, 5, 5]
    now += 3
    assert backoff.left_s == 2
    now += 3
    assert backoff.left_s == 0
    backoff.reset()
    assert backoff.fail() == 1
    backoff.reset()
    assert backoff.left_s == 0
