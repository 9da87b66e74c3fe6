"""`rtt2vec-build sample-requests`: bodies that the service takes."""

import json
import shutil
from pathlib import Path

import polars as pl

from service.bundle.bundle import load_bundle
from service.http.schemas import request_type
from service.recommending.request import RecommendRequest
from service.settings import Settings
from service.support.forgotten_users import ForgottenUsers
from tests.data.tiny_shop import END, lines
from tests.index_builder.cli.conftest import CUT, QUICK
from tests.index_builder.conftest import Run


def test_sampled_requests_are_bodies_that_the_service_takes(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    file = tmp_path / "requests.jsonl"
    shop = ("--transactions", shop_files[0], "--bundle", bundles)
    run("sample-requests", "--requests", file, *shop, "--limit", 12)
    body_type, bundle = request_type(Settings(), RecommendRequest), load_bundle(bundles)
    bodies = [body_type.model_validate_json(line) for line in file.read_text().splitlines()]
    assert len(bodies) == 12
    later = lines().filter(pl.col("timestamp") >= pl.lit(CUT).str.to_datetime())
    held = {
        (user, frozenset(items))
        for user, items in later.group_by("basket_id")
        .agg(pl.col("user_id").first(), "item_id")
        .select("user_id", "item_id")
        .iter_rows()
    }
    for body in bodies:
        assert body.user_id in bundle.user_ids
        assert set(body.basket) <= set(bundle.catalogue.index)
        assert any(body.user_id == user and items > set(body.basket) for user, items in held)
    first = [json.loads(line) for line in file.read_text().splitlines()]
    run("sample-requests", "--requests", file, *shop, "--limit", 12)
    assert [json.loads(line) for line in file.read_text().splitlines()] == first


def test_no_request_is_one_of_a_forgotten_user(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    file, copy = tmp_path / "requests.jsonl", tmp_path / "bundles"
    shutil.copytree(bundles, copy, symlinks=True)
    ForgottenUsers(copy).add("user-1", 1 << 33)
    shop = ("--transactions", shop_files[0], "--bundle", copy)
    run("sample-requests", "--requests", file, *shop)
    users = {json.loads(line)["user_id"] for line in file.read_text().splitlines()}
    assert users == {"user-0", "user-2", "user-3", "user-4", "user-5"}


def test_no_request_is_sampled_that_the_service_would_refuse(run: Run, tmp_path: Path) -> None:
    # The items of 300 baskets in one: more than a basket may hold.
    ids = [f"item-{item}" for item in range(300)]
    bulk = pl.DataFrame({"user_id": "user-0", "basket_id": "bulk", "item_id": ids}).with_columns(
        timestamp=pl.lit(END)
    )
    past = pl.concat(
        bulk.with_columns(
            basket_id=pl.lit(f"b{day}"), timestamp=pl.lit(END).dt.offset_by(f"-{day}d")
        )
        for day in range(1, 4)
    )
    shop = tmp_path / "t.parquet"
    pl.concat([lines(), past, bulk], how="diagonal_relaxed").write_parquet(shop)
    build = ("--transactions", shop, "--out", tmp_path / "out", "--until", END.isoformat())
    run(*build, *QUICK, "--min-item-baskets", 3)
    file = tmp_path / "requests.jsonl"
    arguments = ("--transactions", shop, "--bundle", tmp_path / "out", "--requests", file)
    run("sample-requests", *arguments)
    assert file.read_text() == ""
