"""Kafka's brokers as a process that can be halted: librdkafka's mock cluster.

Run as a module, this file is that process: it prints its addresses, and ends with its input.
"""

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

__all__ = ["Broker", "broker"]

_WAIT_S = 30


class Broker:
    """Brokers that run."""

    def __init__(self, process: "subprocess.Popen[str]", addresses: str) -> None:
        self.addresses = addresses
        self._process = process
        quiet = logging.getLogger("producer")
        quiet.setLevel(logging.CRITICAL)  # of a line for each request that a halted broker misses
        self._producer = Producer({"bootstrap.servers": addresses}, logger=quiet)

    def send(self, topic: str, message: bytes) -> None:
        """Send a message, which arrives some time later."""
        self._producer.produce(topic, message)

    def await_delivery(self) -> None:
        """Return once all messages have arrived.

        Raises:
            TimeoutError: they have not for half a minute.
        """
        if self._producer.flush(_WAIT_S):
            raise TimeoutError("the brokers did not take the messages")

    def halt(self) -> None:
        """Halt the brokers; connections stay open, and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them go on."""
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def broker() -> Iterator[Broker]:
    """Start brokers, and end them with the block."""
    command = [sys.executable, "-m", "chaos.broker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            addresses = process.stdout.readline() if process.stdout else ""
            yield Broker(process, addresses.strip())
        finally:
            process.kill()


def main() -> None:
    """Run the brokers."""
    options = {"test.mock.num.brokers": 3, "bootstrap.servers": "unused"}
    producer = Producer(options, logger=logging.getLogger("mock"))
    found = producer.list_topics(timeout=_WAIT_S).brokers.values()
    print(",".join(f"{each.host}:{each.port}" for each in found), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
