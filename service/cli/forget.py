"""`rtt2vec-serve forget USER`: what is known of a user is deleted where the settings say."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from service.cli.arguments import complain, read_settings, unknown_variables
from service.events import open_stream
from service.events.errors import EventsError
from service.serving.forgetting import Forgetting, ForgettingError
from service.settings import Settings
from service.support.extras import ExtraMissingError, need


def forget(arguments: Sequence[str]) -> None:
    """Forget a user, and say from when on purchases count again.

    Exits with 1 if not all is deleted, with 2 if the arguments are invalid.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        complain("expected a user, and the settings as flags or variables: forget USER [--FLAG …]")
        sys.exit(2)
    user_id, *flags = arguments
    settings = read_settings(flags)
    for warning in unknown_variables(os.environ):
        complain(warning)
    try:
        moment = _forget(user_id, settings)
    except (EventsError, ExtraMissingError, ForgettingError) as error:
        complain(str(error))
        sys.exit(1)
    places = ("events", settings.events), ("memcached", settings.memcached)
    deleted = [f"{name} ({place})" for name, place in places if place is not None]
    where = f"deleted in {' and '.join(deleted)}" if deleted else "not deleted anywhere"
    print(f"The user is forgotten, and {where}. Purchases from {moment} on count again.")


def _forget(user_id: str, settings: Settings) -> str:
    if settings.memcached is not None:
        need("memcached", "RTT2VEC_MEMCACHED")
    stream = open_stream(settings)
    moment = Forgetting(settings, stream).forget(user_id)
    if stream is not None:
        stream.close()
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
