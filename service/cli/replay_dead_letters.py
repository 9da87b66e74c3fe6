"""`rtt2vec-serve replay-dead-letters`: the dead letters of `--events` are taken in again."""

import os
import sys
from collections.abc import Sequence

from service.cli.arguments import complain, read_settings, unknown_variables
from service.events import open_stream
from service.events.errors import EventsError, JournalError
from service.events.replay import replay


def replay_dead_letters(arguments: Sequence[str]) -> None:
    """Take dead letters in again, and say what became of them.

    Exits with 1 if not all were, with 2 if the arguments are invalid.
    """
    settings = read_settings(arguments)
    for warning in unknown_variables(os.environ):
        complain(warning)
    try:
        stream = open_stream(settings)
        if stream is None:
            complain("--events (RTT2VEC_EVENTS): expected the directory of the dead letters.")
            sys.exit(2)
        replayed = replay(stream)
        stream.close()
    except (EventsError, JournalError, OSError) as error:
        complain(f"not all dead letters were replayed: {error}. Run the command again.")
        sys.exit(1)
    counts = ", ".join(f"{count} {name}" for name, count in replayed._asdict().items())
    print(f"{sum(replayed)} dead letters replayed: {counts}.")
