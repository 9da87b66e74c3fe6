"""Spark: tables of a metastore, a topic of Kafka, and bundles that are those of other engines.

They need Spark and Java; `make test-spark` installs these, and names this file.
"""

import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from index_builder.cli.main import app
from index_builder.transactions.encoding.manifest import read_manifest
from service.bundle.bundle import load_bundle
from service.events.event import event_type
from service.settings import Settings
from tests.data.odd_shop import OPTIONS, encoded, odd_lines, write_files
from tests.data.spark_runs import ROOT, SETTINGS, run
from tests.data.tiny_shop import write_shop

NAMES = ("1.csv", "2.parquet", "3.csv")
# The order of lines decides which telling of an event counts.
EVENTLESS = [line for line in odd_lines(9) if not line.event]
NOTHING = "CREATE TABLE db.nothing (user_id STRING) STORED AS ORC"


def _event(number: int, item: str, timestamp: str, **others: float) -> dict[str, str | float]:
    basket = f"b{number // 3}"
    ids = {"event_id": f"e{number}", "user_id": "bén", "basket_id": basket, "item_id": item}
    return {**ids, "timestamp": timestamp, **others}


EVENTS = (
    _event(1, "茶", "2026-01-31T12:00:00.123456Z"),
    _event(2, 'a"b', "2026-01-31T14:00:00+02:00", quantity=2, price=1.5),
    _event(3, "milk", "2026-01-31T12:00"),  # in UTC
    _event(4, "tea", "2026-01-31 12:00:00.5", quantity=0.5),
    _event(5, "milk", "2026-01-31T12:01:00-0030", quantity=-1),
    _event(3, "milk", "2026-01-31T12:00"),
    _event(6, "bread", "2026-01-31T23:59:59z", quantity=1),
)


class Session(NamedTuple):
    """Encodings by one session with a metastore of Hive, and the files that they began with."""

    work: Path
    said: dict[str, str]  # by the statement or the encoding that failed


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    work = tmp_path_factory.mktemp("session")
    tables = {}
    for name, frame in tables_of_files().items():
        tables[name] = str(work / f"{name}.parquet")
        frame.write_parquet(tables[name])
    kafka, view = documented_statements()
    options = {
        name: [f"--table=db.{name}", "--column=user_id=Customer No", "--missing=", "--guest=guest"]
        for name in ("purchases", "wrong", "shared", "ancient", "nothing", "misspelt")
    }
    write_files(work / "ahead", EVENTLESS, NAMES)
    write_files(work / "back", EVENTLESS[::-1], NAMES[::-1])
    write_shop(work)
    for name in ("ahead", "back"):
        options[f"{name}-tables"] = ["--transactions", str(work / name), *OPTIONS]
    options["tiny"] = ["--transactions", str(work / "transactions.parquet"), *OPTIONS]
    options["view"] = ["--table", "shop.purchases"]
    given = [json.dumps(each) for each in (SETTINGS, tables, [kafka, NOTHING, view], options)]
    program = (sys.executable, "-m", "tests.data.spark_session", work)
    done = run(*program, *given, folder=work)
    assert done.returncode == 0, done.stderr
    return Session(work, json.loads((work / "said.json").read_text()))


def tables_of_files() -> dict[str, pl.DataFrame]:
    """The tables, by their names in the metastore."""
    lines = odd_lines(8, 60)
    columns = {
        "Customer No": [line.user for line in lines],
        "basket_id": [line.basket for line in lines],
        "item_id": [line.item for line in lines],
        "timestamp": [line.moment for line in lines],
        "quantity": [line.quantity for line in lines],
        "event_id": [line.event for line in lines],
        "till": range(len(lines)),
    }
    rows = pl.DataFrame(columns).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
    till = pl.col("till")
    wrong = pl.when(till % 7 == 3).then(pl.lit("x" * 200)).otherwise("item_id")
    ancient = pl.col("timestamp").dt.offset_by(
        pl.when(till % 9 == 4).then(pl.lit("-3d")).otherwise(pl.lit("0d"))
    )
    return {
        "db.purchases": rows,
        "db.wrong": rows.with_columns(item_id=wrong),
        "db.shared": rows.with_columns(basket_id=pl.lit("b")),
        "db.ancient": rows.with_columns(ancient),
        "shop.messages": messages(),
    }


def documented_statements() -> list[str]:
    """The statements that docs/scale.md has for a topic of Kafka."""
    page = (ROOT / "docs" / "scale.md").read_text()
    (block,) = re.findall(r"```sql\n(.+?)```", page, re.DOTALL)
    return [statement.strip() for statement in block.split(";") if statement.strip()]


def messages() -> pl.DataFrame:
    """A table as Spark's source of Kafka gives it, of the service's messages and of others."""
    broken: list[bytes | None] = [
        None,
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[1]",
        b'{"item_id": "tea"}',
    ]
    purchases = [json.dumps(event, ensure_ascii=False).encode() for event in EVENTS]
    values = [*purchases[:2], *broken, *purchases[2:]]
    return pl.DataFrame(
        {
            "key": pl.Series([None] * len(values), dtype=pl.Binary),
            "value": pl.Series(values, dtype=pl.Binary),
            "topic": ["purchases"] * len(values),
            "partition": pl.Series([0] * len(values), dtype=pl.Int32),
            "offset": range(len(values)),
            "timestamp": [datetime(2026, 1, 31, 12, tzinfo=UTC)] * len(values),
            "timestampType": pl.Series([0] * len(values), dtype=pl.Int32),
        }
    )


def refusal(path: Path, out: Path, columns: dict[str, str]) -> str:
    """What the default engine says of a file."""
    with pytest.raises(ValueError, match=r"rows|values") as caught:
        encoded("polars", path, out, columns=columns)
    return f"{type(caught.value).__name__}\n{caught.value}"


def without_now(message: str) -> str:
    """A message of moments without the last one that is allowed, a day from now."""
    return re.sub(r" to \S+Z, a day from now", "", message)


def test_tables_of_a_metastore(session: Session, tmp_path: Path) -> None:
    work, said = session
    reading = {"user_id": "Customer No"}
    of_file = encoded("polars", work / "db.purchases.parquet", tmp_path / "polars", columns=reading)
    of_table = read_manifest(work / "purchases")
    assert of_table.digests == of_file.digests
    assert of_table.read_summary() == replace(of_file.read_summary(), source="db.purchases")
    assert of_table.summary.unused_columns == ("till",)
    for name in ("wrong", "shared", "ancient"):
        path = work / f"db.{name}.parquet"
        expected = refusal(path, tmp_path / "no", reading)
        assert without_now(said[name]) == without_now(expected.replace(str(path), f"db.{name}"))
        assert not (work / name).exists()
    assert "before 1970" in said["ancient"]
    assert said["nothing"].startswith("EmptyDataError\ndb.nothing: no rows")
    assert "--table db.misspelt" in said["misspelt"]


def test_a_topic_of_kafka_by_the_documented_view(session: Session, tmp_path: Path) -> None:
    kafka, view = documented_statements()
    # The package is not there; the statement was understood.
    assert "KAFKA_DATA_SOURCE_NOT_ENABLED" in session.said[kafka]
    assert view not in session.said
    fields = event_type(Settings())
    events = [fields.model_validate_json(json.dumps(event)) for event in EVENTS]
    told = pl.DataFrame([event.model_dump(exclude={"price"}) for event in events])
    told.write_parquet(tmp_path / "told.parquet")
    of_file = encoded("polars", tmp_path / "told.parquet", tmp_path / "polars")
    of_topic = read_manifest(session.work / "view")
    assert of_topic.digests == of_file.digests
    assert of_topic.summary.dropped == of_file.summary.dropped
    assert of_topic.summary.dropped.keys() == {
        "repeated events",
        "cancellations (quantity 0 or less)",
        "purchases taken back",
    }


def test_the_order_of_files_and_lines_does_not_matter(session: Session, tmp_path: Path) -> None:
    ahead = encoded("polars", session.work / "ahead", tmp_path / "polars")
    assert read_manifest(session.work / "ahead-tables").digests == ahead.digests
    assert read_manifest(session.work / "back-tables").digests == ahead.digests


def test_a_build_from_its_tables_is_the_same_bundle(session: Session, tmp_path: Path) -> None:
    products = session.work / "products.csv"
    encoded("polars", session.work / "transactions.parquet", tmp_path / "polars")
    quick = ("--dimension", "8", "--epochs", "2", "--threads", "1", "--backend", "exact")
    ids = set()
    for tables in (session.work / "tiny", tmp_path / "polars"):
        out = tmp_path / f"bundles-{tables.name}"
        command = ("--encoded", tables, "--products", products, "--out", out, *quick)
        app([*map(str, command)], standalone_mode=False)
        ids.add(load_bundle(out).bundle_id)
    assert len(ids) == 1
