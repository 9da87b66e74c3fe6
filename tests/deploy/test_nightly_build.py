"""The nightly build of the manifests: the purchases of a day come to the services."""

import os
from datetime import UTC, timedelta
from itertools import count
from pathlib import Path

import polars as pl
import yaml

from index_builder.cli.main import app
from service.bundle.bundle import load_bundle
from service.events.event import Event
from service.events.journal import Journal
from service.events.parquet import ParquetFiles
from tests.data.queries import DEPLOY
from tests.data.tiny_shop import FIRST, lines, products
from tests.service.serving.swapping import ready

QUICK = ("--dimension", "8", "--epochs", "2", "--threads", "1", "--backend", "exact")
LAST_DAYS = FIRST + timedelta(days=80)
ZONE = "America/New_York"  # whose clocks are set back within these days


def run(root: Path, container: str, *options: str) -> None:
    """Run a container's command, with its mounted folders below a root."""
    manifest = yaml.safe_load((DEPLOY / "kubernetes" / "build.yaml").read_text())
    spec = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (one,) = (
        each for each in spec["initContainers"] + spec["containers"] if each["name"] == container
    )
    words: list[str] = [*one["command"], *one["args"]]
    assert words[0] == "rtt2vec-build"
    mounts = tuple(each["mountPath"] + "/" for each in one["volumeMounts"])
    folders = (*mounts, "/bundles")
    here = [f"{root}{part}" if part.startswith(folders) else part for part in words[1:]]
    assert sum(part.startswith(str(root)) for part in here) >= 2
    gate = "--strict"  # which this small shop does not pass
    app([*(part for part in here if part != gate), *options], standalone_mode=False)


def settle(folder: Path, seconds: "count[int]") -> None:
    """Let all files look as if they were written long ago, each at a moment of its own."""
    for file in sorted(folder.rglob("*.parquet")):
        if file.stat().st_mtime > 1_700_000_000:
            moment = next(seconds)
            os.utime(file, (moment, moment))


def write_local(table: pl.DataFrame, file: Path) -> None:
    """Write lines as the shop does, in its local time."""
    local = pl.col("timestamp").dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE)
    table.with_columns(local.dt.replace_time_zone(None)).write_parquet(file)


def events_of(table: pl.DataFrame) -> list[Event]:
    return [
        Event(
            event_id=f"e{number}",
            user_id=user,
            basket_id=basket,
            item_id=item,
            timestamp=begun.replace(tzinfo=UTC),
        )
        for number, (user, basket, item, begun) in enumerate(table.rows())
    ]


def test_purchases_are_encoded_built_and_swapped_in(tmp_path: Path) -> None:
    purchases, bundles = tmp_path / "purchases", tmp_path / "bundles"
    shop = purchases / "transactions"
    shop.mkdir(parents=True)
    products().write_csv(purchases / "products.csv")
    is_late = pl.col("timestamp") >= LAST_DAYS
    early, late = lines().filter(~is_late), lines().filter(is_late)
    half = early.height // 2
    write_local(early[:half], shop / "a.parquet")
    write_local(early[half:], shop / "b.parquet")
    seconds = count(1_600_000_000)
    settle(shop, seconds)
    run(tmp_path, "encode", "--timezone", ZONE)
    run(tmp_path, "build", *QUICK)
    _, swap = ready(bundles, canary_requests=0, canary_min_overlap=0)
    (first, _) = swap.bundle_ids

    journal = Journal(tmp_path)
    journal.append(events_of(late))
    ParquetFiles(shop / "till-1", journal).export()
    journal.close()
    settle(shop, seconds)
    whole = tmp_path / "all.parquet"
    pl.concat([early, late]).write_parquet(whole)
    other = ("--transactions", str(whole), "--products", str(purchases / "products.csv"))
    app([*other, "--out", str(tmp_path / "whole"), *QUICK], standalone_mode=False)
    for file in shop.glob("?.parquet"):  # which were read the night before
        seen = file.stat()
        file.write_bytes(bytes(seen.st_size))
        os.utime(file, ns=(seen.st_mtime_ns, seen.st_mtime_ns))
    run(tmp_path, "encode", "--timezone", ZONE)
    run(tmp_path, "build", *QUICK)
    swap.look()
    assert swap.bundle_ids == (load_bundle(tmp_path / "whole").bundle_id, first)
