"""The large shop is the demo's, so many times over."""

from pathlib import Path

import polars as pl

from bench.scale.lines import write_lines, write_products


def test_copies_have_users_and_baskets_of_their_own(tmp_path: Path) -> None:
    count = write_lines(tmp_path / "lines.parquet", 2, random_ids=True)
    write_products(tmp_path / "products.parquet", random_ids=True)
    lines, products = (
        pl.scan_parquet(tmp_path / f"{name}.parquet") for name in ("lines", "products")
    )
    distinct = lines.select(pl.all().n_unique(), lines=pl.len()).collect().row(0, named=True)
    assert (count, distinct["lines"]) == (2 * 1_451_439,) * 2
    assert (distinct["user_id"], distinct["basket_id"]) == (2 * 2_467, 2 * 141_651)
    assert distinct["item_id"] == 68_110
    described = lines.join(products, on="item_id", how="semi").select(pl.len()).collect().item()
    assert described > 0.99 * count
    lengths = lines.select(pl.col("user_id").str.len_bytes().unique()).collect().to_series()
    assert lengths.to_list() == [32]


def test_every_field_of_csv_stands_in_quotation_marks(tmp_path: Path) -> None:
    write_lines(tmp_path / "lines.csv", 1, random_ids=False)
    with (tmp_path / "lines.csv").open(encoding="utf-8") as lines:
        for line, _ in zip(lines, range(3), strict=False):
            assert line.startswith('"')
            assert line.count('","') == 3
            assert line.endswith('"\n')
