"""`rtt2vec-build evaluate`: the table, the report, and what cannot be evaluated."""

from pathlib import Path

import polars as pl

from service.bundle.bundle import load_bundle
from tests.index_builder.cli.conftest import CUT, QUICK
from tests.index_builder.conftest import Run, refused


def test_evaluate_prints_the_table_and_writes_the_report(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    arguments = ("--transactions", shop_files[0], "--bundle", bundles, "--report", tmp_path / "r")
    done = run("evaluate", *arguments)
    assert f"bundle {load_bundle(bundles).bundle_id}" in done.out
    table = " ".join(done.out.split())
    for word in ("Recall@20", "NDCG@20", "item popularity", "user frequency", "as served"):
        assert word in table
    report = (tmp_path / "r" / "report.md").read_text()
    assert done.err.endswith(f"✓ {tmp_path / 'r' / 'report.md'}\n")
    assert (
        f"\nrtt2vec-build evaluate --transactions transactions.parquet --bundle {bundles.name} "
        "--report r\n"
    ) in report
    assert str(tmp_path) not in report
    assert {"recall.svg", "ablations.svg"} <= {path.name for path in (tmp_path / "r").iterdir()}


def test_a_quick_evaluation_of_a_sample(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    shop = ("--transactions", shop_files[0], "--products", shop_files[1], "--bundle", bundles)
    quickly = ("--quick", "--limit", 7, "--report", tmp_path)
    done = run("evaluate", *shop, *quickly)
    assert f"7 baskets since {CUT}" in done.out
    assert "--quick --limit 7 --report" in (tmp_path / "report.md").read_text()
    again = run("evaluate", *shop, *quickly)
    assert again.out == done.out


def test_a_bundle_is_not_judged_by_what_opponents_of_another_shop_learned(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.parquet"
    pl.read_parquet(shop_files[0]).filter(pl.col("basket_id") != "b0003").write_parquet(other)
    arguments = ("--transactions", other, "--bundle", bundles, "--report", tmp_path / "r")
    message = refused(run, "OtherTransactionsError", "evaluate", *arguments)
    assert message.startswith(f"{other}: not what bundle {load_bundle(bundles).bundle_id} was")
    assert not list((tmp_path / "r").iterdir())


def test_without_later_baskets_there_is_nothing_to_evaluate(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    run("--transactions", shop_files[0], "--out", tmp_path, *QUICK)
    arguments = ("evaluate", "--transactions", shop_files[0], "--bundle", tmp_path)
    message = refused(run, "NoHeldOutBasketsError", *arguments)
    assert str(load_bundle(tmp_path).path) in message
    assert "--until" in message
