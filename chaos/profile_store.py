"""Faults of memcached."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.processes import CORES
from bench.serving.load import Generator
from bench.serving.running import SERVE, running
from chaos.memcached import servers, wire
from chaos.outcome import Outcome
from chaos.trial import Trial
from index_builder.bundle.profile_publishing import publish_profiles
from service.bundle.bundle import load_bundle

__all__ = ["outcomes"]

_SLOW_S = 0.5
_GARBAGE = b"VALUE \xff\r\nEND\r\n"
_LARGEST_BYTES = 50_000


def outcomes(bundle: Path, load: Generator, rate: float, seconds: float) -> Iterator[Outcome]:
    """Apply faults to memcached under load."""
    yield from _processes(bundle, load, rate, seconds)
    yield from _connection(bundle, load, rate, seconds)


def _processes(bundle: Path, load: Generator, rate: float, seconds: float) -> Iterator[Outcome]:
    with servers(3) as three:
        addresses = ",".join(each.address for each in three)

        def start(*flags: str) -> None:
            for each in three:
                each.start(*flags)

        def publish() -> None:
            publish_profiles(load_bundle(bundle), addresses)

        def kill() -> None:
            for each in three:
                each.kill()

        def empty() -> None:
            kill()
            start()

        def fill() -> None:
            kill()
            start("-m", "2", "-M")
            for each in three:
                each.fill(_LARGEST_BYTES)

        publish()
        flags = ("--memcached", addresses)
        with running(SERVE, bundle, {CORES[0]}, flags=flags) as service:
            outcome = _degrading(Trial(service.url, load, rate, seconds))
            yield outcome("one memcached of three is gone", three[0].kill, three[0].start)
            yield outcome("all are dead", kill, start)
            publish()
            yield outcome("all restart empty", empty, lambda: None)
            publish()
            yield outcome("all are full", fill, empty)


def _connection(bundle: Path, load: Generator, rate: float, seconds: float) -> Iterator[Outcome]:
    with servers(1) as (server,), wire(server) as between:

        def slow_down() -> None:
            between.delay_s = _SLOW_S

        def confuse() -> None:
            between.garbage = _GARBAGE

        def damage() -> None:
            between.damages = True

        publish_profiles(load_bundle(bundle), server.address)
        flags = ("--memcached", between.address)
        with running(SERVE, bundle, {CORES[0]}, flags=flags) as service:
            outcome = _degrading(Trial(service.url, load, rate, seconds))
            yield outcome("memcached takes 500 ms", slow_down, between.mend)
            yield outcome("it answers garbage", confuse, between.mend)
            yield outcome("it damages all values", damage, between.mend)


def _degrading(trial: Trial) -> Callable[..., Outcome]:
    """Faults after which some answers have to be degraded."""
    return partial(trial.outcome, expects_degraded=True)
