"""The next build learns from the events that a service has stored."""

import shutil
from datetime import timedelta
from pathlib import Path

import httpx
import polars as pl
from rich.console import Console

from index_builder.build import build
from index_builder.transactions.products import read_products
from index_builder.transactions.transactions import read_transactions
from service.app import create_app
from service.settings import Settings
from tests.data.tiny_bundle import N_USERS
from tests.data.tiny_shop import END, lines, products
from tests.index_builder.conftest import QUICK
from tests.service.conftest import listening

OPENED = END - timedelta(days=9)  # of the service; a build knew of all that was before
BATCH = 50


def built(path: Path, out: Path) -> Path:
    products().write_csv(out.with_suffix(".csv"))
    catalogue = read_products(out.with_suffix(".csv"))
    return build(read_transactions(path), catalogue, QUICK, out, None, Console(quiet=True))


def tell(client: httpx.Client, bought: pl.DataFrame, prefix: str = "") -> None:
    """Send purchases as they happened; each batch once more, as though no answer had come."""
    events = bought.with_row_index("event_id").with_columns(
        event_id=pl.format("{}{}", pl.lit(prefix), "event_id"),
        timestamp=pl.col("timestamp").dt.to_string("iso:strict"),
    )
    for batch in events.iter_slices(BATCH):
        for new in (len(batch), 0):
            answer = client.post("/events", json={"events": batch.to_dicts()}).json()
            assert (answer["new"], answer["refused"]) == (new, []), answer


def purchases(client: httpx.Client) -> list[dict[str, int]]:
    """How often each user bought from each category."""
    profiles = [client.get(f"/users/user-{user}/profile").json() for user in range(N_USERS)]
    return [{e["category"]: e["count"] for e in profile["categories"]} for profile in profiles]


def test_a_build_from_the_events_is_the_one_from_the_shops_own_files(tmp_path: Path) -> None:
    table, data = lines(), tmp_path / "data"
    data.mkdir()
    before = pl.col("timestamp") < OPENED
    table.filter(before).write_parquet(data / "before.parquet")
    built(data, tmp_path / "out")
    app = create_app(Settings(bundle=tmp_path / "out", events=data / "events"))
    app.state.swap.start()
    with listening(app) as client:
        tell(client, table.filter(~before))
        live = purchases(client)
        thief = table.filter(before).head(1).with_columns(user_id=pl.lit("thief"))
        tell(client, thief, "theft ")  # in a basket that only the shop's own files know
    shutil.copytree(data / "events" / "parquet", data / "another machine")

    table.write_parquet(tmp_path / "all.parquet")
    expected = built(tmp_path / "all.parquet", tmp_path / "expected")
    assert built(data, tmp_path / "out").name == expected.name

    # The service goes on from the new bundle, and counts nothing twice.
    app = create_app(Settings(bundle=tmp_path / "out", events=data / "events"))
    app.state.swap.start()
    with listening(app) as client:
        assert purchases(client) == live
