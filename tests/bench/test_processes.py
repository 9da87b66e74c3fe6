"""Processor time, memory and children of processes."""

import os
from pathlib import Path
from time import process_time

import numpy as np

from bench.processes import CORES, Memory, children, cpu_s, peak_memory, process_on

MEGABYTES = 40


def _placed() -> tuple[set[int], int]:
    return os.sched_getaffinity(0), os.nice(0)


def test_a_process_apart_is_where_it_should_be() -> None:
    with process_on({CORES[-1]}, niceness=3) as process:
        assert process.submit(_placed).result() == ({CORES[-1]}, os.nice(0) + 3)
    assert sorted(os.sched_getaffinity(0)) == CORES


def test_memory_of_its_own_counts() -> None:
    before = Memory.of(os.getpid())
    kept = np.ones(MEGABYTES * 1_000_000, np.uint8)
    after = Memory.of(os.getpid())
    grown = after.anonymous - before.anonymous
    assert 0.9 * MEGABYTES < grown < 1.5 * MEGABYTES, kept[0]
    assert after.private >= after.anonymous * 0.9
    assert peak_memory(os.getpid()) > MEGABYTES


def test_processor_time_is_the_processes_own() -> None:
    began = process_time()
    before = cpu_s(os.getpid())
    while process_time() - began < 0.1:
        pass
    assert cpu_s(os.getpid()) - before >= 0.08


def test_children_are_those_it_started_without_the_tracker_of_resources() -> None:
    with process_on(set(CORES)) as process:  # its pipes come with a tracker
        pid = process.submit(os.getpid).result()
        started = children(os.getpid())
        assert pid in started
        commands = [Path(f"/proc/{child}/cmdline").read_bytes() for child in started]
        assert not any(b"resource_tracker" in command for command in commands)
    assert pid not in children(os.getpid())
