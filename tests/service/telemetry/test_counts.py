"""Counts show what the library's own counters would, in one process and in several."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest

from service.telemetry.counts import Counts

ROUTES = ("/recommend", 'a "route"\n')


@given(st.lists(st.tuples(st.sampled_from(ROUTES), st.sampled_from("23"), st.integers(1, 5))))
def test_they_read_as_counters_of_the_library(seen: list[tuple[str, str, int]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = Counts("answers", "Answers.", ours, None, ["route", "status"])
    counter = Counter("answers", "Answers.", ["route", "status"], registry=theirs)
    for route, status, number in seen:
        counts.of(route, status).add(number)
        counter.labels(route, status).inc(number)
    expected = [
        line for line in generate_latest(theirs).splitlines() if b"answers_created" not in line
    ]
    assert generate_latest(ours).splitlines() == expected


def test_one_without_labels_is_there_from_the_start() -> None:
    registry = CollectorRegistry()
    count = Counts("answers", "Answers.", registry, None).of()
    assert "answers_total 0.0" in generate_latest(registry).decode()
    count.add()
    count.add(2)
    assert "answers_total 3.0" in generate_latest(registry).decode()
