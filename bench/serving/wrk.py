"""wrk (Debian's package of that name): a load generator in C, which takes less of its core."""

import os
import re
import subprocess
from collections.abc import Sequence, Set
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.serving.load import Throughput

__all__ = ["Wrk"]

_SCRIPT = """
local requests, turn = {}, 0
init = function(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for body in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format(nil, nil, nil, body)
  end
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end
"""


class Wrk:
    """Sends requests in a closed loop, from one thread."""

    def __init__(self, program: str, bodies: Sequence[bytes], cores: Set[int]) -> None:
        """Takes the program, the bodies, which are sent in turn, and the cores to run on."""
        self._program = program
        self._bodies = b"".join(body + b"\n" for body in bodies)
        self._cores = cores

    @property
    def version(self) -> str:
        """Its name and version."""
        command = [self._program, "-v"]
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return " ".join(shown.split()[:2])

    def throughput(self, url: str, seconds: float, connections: int) -> Throughput:
        """Load a route for some seconds, at least one."""
        with TemporaryDirectory() as folder:
            script, bodies = Path(folder, "post.lua"), Path(folder, "bodies.jsonl")
            script.write_text(_SCRIPT)
            bodies.write_bytes(self._bodies)
            within = f"{max(1, round(seconds))}s"
            flags = ["-t1", f"-c{connections}", f"-d{within}", "--latency", "-s", str(script)]
            before = os.times()
            with subprocess.Popen(
                [self._program, *flags, url, "--", str(bodies)], stdout=subprocess.PIPE, text=True
            ) as process:
                os.sched_setaffinity(process.pid, self._cores)
                shown, _ = process.communicate()
            after = os.times()
        taken = after.children_user + after.children_system
        taken -= before.children_user + before.children_system
        return Throughput(
            rate=_number(r"Requests/sec:\s+([\d.]+)", shown),
            answers=int(_number(r"(\d+) requests in", shown)),
            failures=int(sum(map(_number, _FAILURES, [shown] * len(_FAILURES)))),
            busy=taken / max(1, round(seconds)),
            p50_ms=_time_ms(50, shown),
            p99_ms=_time_ms(99, shown),
        )


_FAILURES = (
    r"Non-2xx or 3xx responses: (\d+)",
    *(rf"Socket errors:.* {kind} (\d+)" for kind in ("connect", "read", "write", "timeout")),
)


_UNITS_MS = {"us": 0.001, "ms": 1, "s": 1000}


def _time_ms(percent: int, text: str) -> float:
    """A percentile of the times, in ms; 0 if it is not there."""
    found = re.search(rf"^ +{percent}% +([\d.]+)(us|ms|s) *$", text, re.MULTILINE)
    return float(found[1]) * _UNITS_MS[found[2]] if found else 0.0


def _number(pattern: str, text: str) -> float:
    """The number that a pattern finds; 0 if it is not there."""
    found = re.search(pattern, text)
    return float(found[1]) if found else 0.0
