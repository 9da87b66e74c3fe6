"""Nothing is left of a forgotten user's purchases, and all is left of the others'."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import pyarrow.parquet as pq
import pytest

from service.events.event import RawEvent
from service.events.purging import users_named
from service.events.stream import PurchaseStream
from service.settings import Settings
from service.support.forgotten_users import ForgottenUsers

USER, OTHER = "Zoë-the-forgotten", "Bo-the-remembered"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENT = int(NOW.timestamp())


def raw(number: int, user_id: Any = USER, hours: float = -1, **changes: Any) -> RawEvent:
    ids = {"event_id": f"e{number}", "basket_id": f"b{number}", "item_id": "item-1"}
    fields = ids | {"user_id": user_id, "timestamp": (NOW + timedelta(hours=hours)).isoformat()}
    return RawEvent("http", json.dumps(fields | changes, ensure_ascii=False).encode())


@contextmanager
def opened(directory: Path) -> Iterator[PurchaseStream]:
    settings = Settings(bundle=directory / "bundles", events=directory / "events")
    stream = PurchaseStream(directory / "events", settings, clock=NOW.timestamp)
    yield stream
    stream.close()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two users' purchases of two days, in all places."""
    (tmp_path / "bundles").mkdir()
    fill(tmp_path)
    return tmp_path


def fill(directory: Path) -> None:
    with opened(directory) as stream:
        for first, user_id in ((100, USER), (200, OTHER)):
            stream.take([raw(n, user_id, hours=-n / 10) for n in range(first, first + 60)])
            stream.export()
            stream.take([raw(first + 60, user_id), raw(first + 61, user_id, hours=2)])
            stream.take([raw(first + n, user_id, quantity="many") for n in range(62, 66)])
            stream.take([RawEvent("t/0/1", f'{{"user_id": "{user_id}", broken'.encode())])
            stream.letters.set_apart()
            stream.take([raw(first + 66, user_id, timestamp="soon")])
            if user_id == OTHER:
                stream.take([raw(300, USER, basket_id="b100", hours=-1)])
                stream.take([RawEvent("t/0/2", USER.encode() + b" and\xff")])
    unfinished = next((directory / "events" / "parquet").glob("day=*/*.parquet"))
    unfinished.with_name(f".{unfinished.name}").write_bytes(unfinished.read_bytes())
    (directory / "events" / ".dead_letters.jsonl").write_text(USER)


def forget(directory: Path, user_id: str = USER, moment: int = MOMENT) -> None:
    ForgottenUsers(directory / "bundles").add(user_id, moment)


def naming(directory: Path, user_id: str) -> set[str]:
    """The files that a user's id can be found in."""
    found = set()
    for path in directory.rglob("*"):
        if path.is_file() and not path.name.endswith("-shm"):
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += str(pq.ParquetFile(path).read().to_pylist()).encode()
            if user_id.encode() in content or json.dumps(user_id)[1:-1].encode() in content:
                found.add(path.name.replace("-wal", ""))
    return found


def kept(directory: Path, user_id: str) -> tuple[int, int, int, int]:
    """How many of a user's events are in the journal, in files and aside, and how many letters."""
    with opened(directory) as stream:
        stored = len(stream.journal.purchases(user_id))
        with stream.journal.held() as db:
            query = "SELECT count(*) FROM quarantine WHERE user_id = ?"
            aside = db.execute(query, (user_id,)).fetchone()[0]
        letters = [*stream.letters.read_replayed()] if stream.letters.replayed.exists() else []
        text = directory / "events" / "dead_letters.jsonl"
        lines = text.read_text().splitlines() if text.exists() else []
    files = (directory / "events" / "parquet").rglob("[!.]*.parquet")
    users = [user for file in files for user in pq.ParquetFile(file).read()["user_id"].to_pylist()]
    named = [line for line in (*lines, *map(str, letters)) if user_id in line]
    return stored, users.count(user_id), aside, len(named)


def test_nothing_is_left_of_a_forgotten_user_and_all_of_the_others(shop: Path) -> None:
    others = kept(shop, OTHER)
    assert min(kept(shop, USER)) > 0
    assert min(others) > 0
    assert len(naming(shop, USER)) > 4
    forget(shop)
    with opened(shop) as stream:
        assert stream.purging.purge() > 120
        assert not stream.purging.pending().moments
        assert stream.purging.purge() == 0
    assert naming(shop, USER) == set()
    assert kept(shop, USER) == (0, 0, 0, 0)
    assert kept(shop, OTHER) == others


def test_what_was_bought_before_is_not_taken_in_again_and_what_is_bought_later_is(
    shop: Path,
) -> None:
    forget(shop)
    with opened(shop) as stream:
        stream.purging.purge()
        old = [raw(n, hours=-n / 10) for n in range(100, 160)]
        assert stream.take(old)[:2] == (0, 60)
        assert stream.take([raw(1, hours=-1 / 3600), raw(2, hours=0), raw(3, OTHER)])[:2] == (2, 1)
        stream.export()
        assert stream.purging.purge() == 0
        assert [each.basket_id for each in stream.journal.purchases(USER)] == ["b2"]
    forget(shop, moment=MOMENT + 1)
    with opened(shop) as stream:
        assert stream.purging.purge() == 2  # of the journal and of a file
    assert naming(shop, USER) == set()


def test_events_after_a_purge_are_exported_whatever_was_deleted(tmp_path: Path) -> None:
    (tmp_path / "bundles").mkdir()
    with opened(tmp_path) as stream:
        stream.take([raw(1), raw(2)])
        stream.export()
        stream.take([raw(3)])
        forget(tmp_path)
        assert stream.purging.purge() == 5
        stream.take([raw(4, OTHER), raw(5, USER, hours=0)])
        stream.export()
    assert kept(tmp_path, OTHER) == (1, 1, 0, 0)
    assert kept(tmp_path, USER) == (1, 1, 0, 0)


def test_files_of_others_stay_as_they_are(shop: Path) -> None:
    files = sorted((shop / "events" / "parquet").rglob("[!.]*.parquet"))
    own = files[0].with_name("own.parquet")
    pq.write_table(pq.ParquetFile(files[0]).read(["user_id", "item_id"]), own)
    before = {path: path.stat().st_ino for path in (*files, own)}
    forget(shop, "unheard-of")
    with opened(shop) as stream:
        assert stream.purging.purge() == 0
    assert {path: path.stat().st_ino for path in before} == before
    forget(shop)
    with opened(shop) as stream:
        stream.purging.purge()
    assert own.stat().st_ino == before[own]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"user_id": "7", "item_id": "8"}', {"7"}),
        ('{"user_id": 7, "item_id": "8"}', {"7"}),
        ('{"events": [{"user_id": "7", "item_id": "8"}, {"user_id": "9"}]}', {"7", "9"}),
        ('{"user_id": ["7", {"id": "9"}]}', {"7", "9"}),
        ('{"userId": "7", "item_id": 8}', {"7", "8"}),
        ('"user 7"', {"user 7", "user", "7"}),
        ("7", {"7"}),
        ("user_id=7, item_id='8'", {"user_id", "7", "item_id", "8"}),
        ('{"user_id": "Jo Ann", ', {"user_id", "Jo Ann", "Jo", "Ann"}),
    ],
)
def test_the_users_that_a_text_may_name(text: str, named: set[str]) -> None:
    assert set(users_named(text)) == named


def test_a_file_that_cannot_be_read_is_an_error_and_tried_again(
    shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = next((shop / "events" / "parquet").glob("day=*")) / "0-broken.parquet"
    broken.write_bytes(b"PAR1 no table PAR1")
    forget(shop)
    with opened(shop) as stream:
        with pytest.raises(OSError, match="0-broken"):
            stream.purging.purge()
        stream.purging.go_on()
        assert "forgotten users not purged" in caplog.text
        assert len(stream.purging.pending().moments) == 1
        broken.unlink()
        stream.purging.go_on()
        assert not stream.purging.pending().moments
    assert naming(shop, USER) == set()


def test_who_appends_meanwhile_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "bundles").mkdir()
    stop, taken = Flag(), Flag()

    def append() -> None:
        number = 0
        with opened(tmp_path) as other:
            while not stop.is_set():
                number += 5
                other.take([raw(n) for n in range(number, number + 5)])
                taken.set()

    threads = [Thread(target=append)]
    threads[0].start()
    taken.wait()
    with opened(tmp_path) as stream:
        for moment in range(MOMENT, MOMENT + 5):
            forget(tmp_path, moment=moment)
            stream.purging.purge()
            assert stream.journal.purchases(USER) == []
    stop.set()
    threads[0].join()
    assert kept(tmp_path, USER) == (0, 0, 0, 0)


def test_other_users_of_the_machine_can_read_none_of_the_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "bundles").mkdir()
        fill(tmp_path)
        forget(tmp_path)
        with opened(tmp_path) as stream:
            stream.purging.purge()
            modes = {
                path.name: path.stat().st_mode & 0o7
                for path in (tmp_path / "events").rglob("*")
                if path.name != ".dead_letters.jsonl"
            }
    finally:
        os.umask(before)
    assert len(modes) > 6
    assert set(modes.values()) == {0}, modes


def test_after_a_kill_at_any_step_the_next_purge_deletes_the_rest(shop: Path) -> None:
    others = kept(shop, OTHER)
    forget(shop)
    command = [sys.executable, "-m", "tests.service.events.test_purging", str(shop)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert int(done.stdout) > 10
    for copy in range(int(done.stdout)):
        killed = shop.with_name(f"killed-{copy}")
        with opened(killed) as stream:
            stream.purging.purge()
            assert not stream.purging.pending().moments
        assert naming(killed, USER) == set()
        assert kept(killed, USER) == (0, 0, 0, 0)
        assert kept(killed, OTHER) == others


def end_at(step: int) -> None:
    """End this process, as a kill would, at a step that changes what is on disk."""
    left = iter(range(step))

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **options: Any) -> Any:
            if next(left, None) is None:
                os._exit(9)
            return change(*arguments, **options)

        return changed

    for name in ("fsync", "replace", "unlink"):
        setattr(os, name, counted(getattr(os, name)))


def main(directory: Path) -> None:
    """Kill a purge of a copy of the directory at each of its steps, and print their number."""
    for step in count():
        copy = directory.with_name(f"killed-{step}")
        shutil.copytree(directory, copy)
        if not (child := os.fork()):
            end_at(step)
            with opened(copy) as stream:
                stream.purging.purge()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            print(step)
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
