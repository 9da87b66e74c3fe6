"""`rtt2vec-build encode`, and a build that starts from its tables."""

from pathlib import Path

import pytest

from index_builder.transactions.encoding.manifest import read_manifest
from service.bundle.bundle import load_bundle
from tests.index_builder.cli.conftest import CUT, QUICK
from tests.index_builder.conftest import Run, refused


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_build_from_encoded_tables_is_the_same_bundle(
    engine: str, run: Run, bundles: Path, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    transactions, products = shop_files
    encoded = tmp_path / "encoded"
    said = run("encode", "--transactions", transactions, "--engine", engine, "--out", encoded).err
    assert said.splitlines()[-1] == f"✓ {encoded}: rtt2vec-build --encoded {encoded}"
    out = tmp_path / "bundles"
    run("--encoded", encoded, "--products", products, "--out", out, "--until", CUT, *QUICK)
    assert load_bundle(out).bundle_id == load_bundle(bundles).bundle_id


def test_the_tables_hold_the_summary_that_is_shown(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    said = run("encode", "--transactions", shop_files[0], "--out", tmp_path / "e").err
    summary = read_manifest(tmp_path / "e").summary
    assert f"{summary.rows_kept:,}" in said
    assert f"{summary.baskets:,}" in said


def test_a_folder_that_is_none_is_refused(run: Run, tmp_path: Path) -> None:
    message = refused(run, "EncodedTablesError", "--encoded", tmp_path, "--out", tmp_path / "out")
    assert message.startswith(f"{tmp_path}: expected encoded tables, found no manifest.json.")
    assert "rtt2vec-build encode" in message


def test_encoded_tables_stand_alone(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    for other in (("--transactions", shop_files[0]), ("--dataset", "instacart")):
        both = ("--encoded", tmp_path, *other, "--out", tmp_path / "out")
        assert "expected --encoded alone" in run(*both, status=2).err


@pytest.mark.parametrize("option", ["--timezone=Asia/Tokyo", "--guest=ann", "--missing=NULL"])
def test_options_that_would_change_nothing_are_refused(
    option: str, run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    products = () if option.startswith("--missing") else ("--products", shop_files[1])
    told = ("--encoded", tmp_path, *products, option, "--out", tmp_path / "out")
    assert "rtt2vec-build encode" in refused(run, "SourceError", *told)


def test_tables_among_the_lines_would_be_read_as_lines(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / shop_files[0].name).write_bytes(shop_files[0].read_bytes())
    said = run("encode", "--transactions", shop, "--out", shop / "sub" / "encoded", status=2).err
    assert "expected --out outside of --transactions" in said
    for _ in range(2):
        run("encode", "--transactions", shop, "--out", shop / ".encoded")


def test_settings_of_spark_need_spark(run: Run, tmp_path: Path) -> None:
    said = run("encode", "--spark", "spark.master=local[2]", "--out", tmp_path / "e", status=2).err
    assert "expected --spark with" in said
