"""Signals to end that come at the worst moments."""

import subprocess
import sys
from pathlib import Path

# Replaces a worker that ended. A signal comes after so many steps of the interpreter in the code
# that supervises, counted from that end until the new worker is there or the workers are stopped,
# whichever is first; then one step later, and so on. Prints how many steps there were, and what
# happened that should not.
STEPS = """
import contextlib, logging, signal, socket, sys
from pathlib import Path
from unittest.mock import patch

import service.supervision.supervisor as supervising
from service.settings import Settings
from service.supervision.serving_process import Service

FOLDER, CONTEXT = str(Path(supervising.__file__).parent), contextlib.__file__
NUMBERS = (signal.SIGTERM, signal.SIGINT)


class Ended:
    def __init__(self, *_):
        pass

    def add(self, *_):
        pass


class Worker:
    made = []
    hangs = False

    def __init__(self, *given):
        self.pid, self.place = len(self.made), given[3]
        self.news, self.other = socket.socketpair()
        self.gate = self.news
        self.accepts, self.exit_code = False, None
        self.made.append(self)
        if self.pid:
            stop_counting()
        else:
            self.other.send(b"0")

    def checked(self):
        pass

    def let_in(self):
        self.accepts = True
        during[:] = map(signal.getsignal, NUMBERS)

    def hear(self):
        if self.pid == 0 and self.exit_code is None:
            self.exit_code = 1
            start_counting()

    def stop(self):
        stop_counting()
        self.exit_code = 0

    kill = stop


def start_counting():
    sys.settrace(trace)
    frame = sys._getframe()
    while frame := frame.f_back:
        if frame.f_code.co_filename.startswith(FOLDER):
            frame.f_trace, frame.f_trace_opcodes = trace, True


def stop_counting():
    sys.settrace(None)
    if "signal" not in passed:  # it may come at any later moment, too
        passed.append("signal")
        signal.raise_signal(number)


def trace(frame, event, _):
    if not frame.f_code.co_filename.startswith((FOLDER, CONTEXT)):
        return None
    frame.f_trace_opcodes = True
    if event == "opcode" and "signal" not in passed:
        passed.append(event)
        if len(passed) > steps:
            passed.append("signal")
            signal.raise_signal(number)
    return trace


class Listener:
    def close(self):
        if [*map(signal.getsignal, NUMBERS)] != during:
            lines.append("a second signal would find another handler")


class Lines(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())


logging.getLogger().addHandler(Lines())
before, during = [*map(signal.getsignal, NUMBERS)], []
settings = Settings(workers=1, port=0)
service = Service.__new__(Service, *[None] * len(Service._fields))._replace(settings=settings)
with patch("service.supervision.supervisor.Worker", Worker), \\
        patch("service.telemetry.workers.EndedWorkers", Ended):
    steps = 0
    while True:
        number = NUMBERS[steps % 2]
        passed, lines, Worker.made = [], [], []
        run = supervising.Supervisor(service, Path(sys.argv[1]), Listener(), lambda _: None).run
        try:
            code = run()
        except BaseException as error:
            code = repr(error)
        sys.settrace(None)
        if code != 0 or lines != ["a worker ended while running"]:
            print(steps, code, lines)
        if [*map(signal.getsignal, NUMBERS)] != before:
            print(steps, "leaves handlers")
        if passed.count("opcode") <= steps:
            break
        steps += 1
print(steps > 100)
"""


def test_a_signal_at_any_step_of_replacing_a_worker_ends_it_quietly(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STEPS, str(tmp_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "True\n"
