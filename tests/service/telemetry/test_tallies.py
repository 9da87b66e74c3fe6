"""Tallies show what the library's own histograms would."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from service.telemetry.metric_file import MetricFile
from service.telemetry.tallies import Tallies, Tally

EDGES = (0.5, 1.0, 2.0)
ROUTES = ("/recommend", 'a "route"\n')


@given(st.lists(st.tuples(st.sampled_from(ROUTES), st.sampled_from((0.0, 0.5, 0.75, 1, 2, 2.25)))))
def test_they_read_as_histograms_of_the_library(seen: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tallies = Tallies("seconds", "Time.", EDGES, ours, None, ["route"])
    histogram = Histogram("seconds", "Time.", ["route"], buckets=EDGES, registry=theirs)
    for route, value in seen:
        tallies.of(route).observe(value)
        histogram.labels(route).observe(value)
    created = [b"_created", b"# HELP seconds_created", b"# TYPE seconds_created"]
    expected = [
        line for line in generate_latest(theirs).splitlines() if not any(c in line for c in created)
    ]
    assert generate_latest(ours).splitlines() == expected


def test_one_without_a_label_is_there_from_the_start() -> None:
    registry = CollectorRegistry()
    Tallies("candidates", "Candidates.", EDGES, registry, None).of().observe(1.5)
    text = generate_latest(registry).decode()
    assert 'candidates_bucket{le="1.0"} 0.0' in text
    assert 'candidates_bucket{le="2.0"} 1.0' in text
    assert "candidates_sum 1.5" in text


def test_one_that_moves_goes_on_with_what_its_file_has(tmp_path: Path) -> None:
    keys = [str(key) for key in range(len(EDGES) + 2)]
    file = MetricFile(str(tmp_path / "first.db"))
    tally = Tally((*EDGES, float("inf")))
    tally.move(file, keys)
    tally.observe(1.5)
    while file._capacity < 1 << 18:  # what is counted is also in a file that has grown since
        file.read_value(f"another {file._used}")
    tally.observe(9.0)
    assert [file.read_value(key)[0] for key in keys] == [0, 0, 1, 1, 10.5]
    (tmp_path / "second.db").write_bytes((tmp_path / "first.db").read_bytes())
    copy = MetricFile(str(tmp_path / "second.db"))
    tally.move(copy, keys)
    tally.observe(0.5)
    assert tally.values() == [1, 0, 1, 1, 11]
    assert [copy.read_value(key)[0] for key in keys[:-1]] == [1, 0, 1, 1]
    assert [file.read_value(key)[0] for key in keys[:-1]] == [0, 0, 1, 1]
    file.close()
    del tally
    copy.close()
