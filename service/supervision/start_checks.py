"""What is checked before a service starts, so that a mistake ends the command at once."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, NamedTuple

from service.settings import Settings
from service.support.files import append_zeros
from service.support.open_files import OTHER_FILES, limit_for_connections

if TYPE_CHECKING:
    from service.bundle.bundle import Bundle, LoadBundle
    from service.recommending.request import RecommendRequest

_MIB = 1 << 20
WORKER_BYTES = _MIB
"""Of the metrics of a worker: eight files, one for each kind (see `MetricFile`)."""

_TMPDIR = "TMPDIR names another folder for temporary files."


class StartError(Exception):
    """The service cannot start, and why."""


class Checked(NamedTuple):
    """What comes of the checks.

    Attributes:
        load: loads bundles, but for the one that was verified: it is given as it is, once.
        example: a request to try.
    """

    load: "LoadBundle"
    example: "RecommendRequest"


def checked(settings: Settings) -> Checked:
    """Check all that a worker will need.

    Raises:
        StartError: a file, a directory or an extra cannot be used.
    """
    from service.bundle.bundle import load_bundle
    from service.bundle.errors import BundleError
    from service.bundle.tables import check_lengths
    from service.business_rules.errors import RulesError
    from service.business_rules.files import RuleFiles
    from service.events import open_stream
    from service.events.errors import EventsError
    from service.http.keys.access import Access
    from service.http.keys.api_keys import ApiKeysError
    from service.profiles.bundle_profiles import BundleProfiles
    from service.recommending.basket_score.scorer import BasketScorer, has_score
    from service.recommending.recommender import Recommender
    from service.serving.example_requests import example_requests
    from service.support.extras import ExtraMissingError
    from service.support.forgotten_users import ForgottenUsers

    try:
        bundle = load_bundle(settings.bundle)
        check_lengths(bundle.catalogue, settings.id_limit_chars)
        recommender = Recommender(bundle, settings)
        if has_score(bundle):
            BasketScorer(bundle, recommender.table, BundleProfiles(bundle))
        RuleFiles(bundle.catalogue, settings.rules, settings.availability)
        Access(settings)
        _check_extras(settings)
        if (stream := open_stream(settings)) is not None:
            from service.profiles.live import LiveProfiles

            stream.check()
            LiveProfiles(bundle, BundleProfiles(bundle), stream.journal)
            stream.close()
        since = ForgottenUsers.beside(settings.bundle).now().since
    except (
        BundleError,
        RulesError,
        ApiKeysError,
        EventsError,
        ExtraMissingError,
        OSError,
    ) as error:
        raise StartError(str(error)) from error
    return Checked(_loading(bundle), example_requests(bundle, 1, since)[0])


def check_open_files(settings: Settings) -> None:
    """Raise the limit of open files as far as it is needed; processes started later have it, too.

    Raises:
        StartError: the system does not allow enough of them.
    """
    wanted = settings.connection_limit
    limit = limit_for_connections(wanted)
    if limit is not None and limit < OTHER_FILES:
        most = f"({OTHER_FILES + wanted} for RTT2VEC_CONNECTION_LIMIT={wanted})"
        needed = f"expected a limit of at least {OTHER_FILES} {most}, found {limit}"
        raise StartError(f"open files: {needed}. Raise it (ulimit -n).")


@contextmanager
def shared_directory(workers: int) -> Iterator[Path]:
    """Yield a new directory for the files that workers share; it is removed at the end.

    Raises:
        StartError: it cannot be made, or has too little room.
    """
    try:
        made = TemporaryDirectory(prefix="rtt2vec-workers-", ignore_cleanup_errors=True)
    except OSError as error:
        found = f"a folder for temporary files that can be written, found: {error.strerror}"
        raise StartError(f"several workers: expected {found}. {_TMPDIR}") from error
    with made as name:
        _check_room(Path(name), workers)
        yield Path(name)


def _check_room(shared: Path, workers: int) -> None:
    needed = WORKER_BYTES * (workers + 2)  # those that ended have files, too, and one is a copy
    try:
        with TemporaryFile(dir=shared, buffering=0) as file:
            append_zeros(file.fileno(), needed)
    except OSError as error:
        room = f"room for {needed / _MIB:.0f} MiB, the metrics of {workers} workers"
        free = f"{shutil.disk_usage(shared).free / _MIB:.2f} MiB ({error.strerror})"
        remedy = f"Free some there; or {_TMPDIR}"
        raise StartError(f"{shared.parent}: expected {room}, found {free}. {remedy}") from error


def _loading(verified: "Bundle") -> "LoadBundle":
    from service.bundle.bundle import load_bundle
    from service.bundle.verification import locate

    kept = [verified]  # only until it is given: another one may replace it

    def load(path: Path) -> "Bundle":
        bundle = kept.pop() if kept else None
        return bundle if bundle is not None and bundle.path == locate(path) else load_bundle(path)

    return load


def _check_extras(settings: Settings) -> None:
    from service.support.extras import Extra, need

    asked: tuple[tuple[Extra, str, str | None], ...] = (
        ("kafka", "RTT2VEC_KAFKA", settings.kafka),
        ("memcached", "RTT2VEC_MEMCACHED", settings.memcached),
        ("tracing", "RTT2VEC_TRACES", settings.traces),
    )
    for extra, variable, value in asked:
        if value is not None:
            need(extra, variable)
