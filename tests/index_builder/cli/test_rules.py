"""`rtt2vec-build rules`: rules as a table, from all kinds of baskets."""

from pathlib import Path

import polars as pl
import pytest

from tests.index_builder.conftest import Run

ALL = ("--min-baskets", 1, "--min-lift", 0, "--min-confidence", 0)


@pytest.fixture
def baskets(tmp_path: Path) -> Path:
    """Bread and butter twice, with jam once; bread, jam and a comma alone."""
    path = tmp_path / "baskets.csv"
    path.write_text('bread, butter\n butter,"bread","jam, red",bread\n\nbread\n"jam, red",\n')
    return path


def test_baskets_of_a_file_by_hand(run: Run, baskets: Path, tmp_path: Path) -> None:
    out = tmp_path / "rules.csv"
    said = run("rules", "--baskets", baskets, "--min-support", 0.25, "--out", out, *ALL).err
    assert f"9 rules in {out}" in said
    header, first, *rest = out.read_text().splitlines()
    assert header == "antecedent,consequent,support,confidence,lift,leverage,conviction"
    # Who has bread and red jam, one of 4, has butter, as have 2 of 4.
    assert first == '"bread|jam, red",butter,0.25,1.0,2.0,0.125,inf'
    rules = {tuple(row[:2]): row[2:] for row in pl.read_csv(out).iter_rows()}
    assert rules["butter", "bread"] == pytest.approx(
        (2 / 4, 1, 4 / 3, 2 / 4 - 2 / 4 * 3 / 4, float("inf"))
    )
    assert rules["bread", "butter"] == pytest.approx((2 / 4, 2 / 3, 4 / 3, 1 / 8, 1.5))
    assert rules["bread|butter", "jam, red"][:2] == pytest.approx((1 / 4, 1 / 2))
    assert len(rest) + 1 == len(rules)
    lifts = [row[2] for row in rules.values()]
    assert lifts == sorted(lifts, reverse=True)


def test_thresholds(run: Run, baskets: Path, tmp_path: Path) -> None:
    out, rules = tmp_path / "rules.csv", ("rules", "--baskets", baskets, "--min-support", 0.25)
    for more, count in (
        ((*ALL, "--min-support", 0.5), 2),
        ((*ALL, "--min-support", 0), 9),
        ((*ALL, "--min-lift", 1.1), 4),
        ((*ALL, "--min-confidence", 1), 3),
        ((*ALL, "--max-length", 2), 6),
        ((*ALL, "--min-baskets", 2), 2),
        ((), 0),
    ):
        run(*rules, *more, "--out", out)
        assert pl.read_csv(out).height == count, more


def test_transactions_and_levels(run: Run, shop_files: tuple[Path, Path], tmp_path: Path) -> None:
    """Every user stays in one aisle, so that no rule joins two aisles, at any level."""
    out, (transactions, products) = tmp_path / "rules.csv", shop_files
    shop = ("rules", "--transactions", transactions, "--products", products, "--out", out)
    run(*shop, "--min-support", 0.1, "--min-lift", 1)
    rules = pl.read_csv(out)
    assert rules.height > 20
    aisles = rules.select(
        pl.col("antecedent", "consequent")
        .str.extract_all(r"\d+")
        .list.eval(pl.element().cast(int) % 2)
    )
    assert (
        aisles.select(
            (pl.col("antecedent").list.max() - pl.col("consequent").list.min()).abs().max()
        ).item()
        == 0
    )
    run(*shop, "--level", "category")
    assert pl.read_csv(out).is_empty()


def test_options_that_do_not_go_together(run: Run, baskets: Path, tmp_path: Path) -> None:
    out = tmp_path / "rules.csv"
    for more in (("--level", "category"), ("--until", "2017-12-01"), ("--transactions", baskets)):
        said = run("rules", "--baskets", baskets, "--out", out, *more, status=1).err
        assert "--baskets holds items alone" in said
    assert "no such file" in run("rules", "--baskets", out, "--out", out, status=1).err.lower()
    empty = tmp_path / "empty.csv"
    empty.write_text("\n , \n")
    assert "found no item" in run("rules", "--baskets", empty, "--out", out, status=1).err
    assert not out.exists()
    for option in ("--min-support", "--min-confidence", "--min-lift"):
        assert option in run("rules", option, "nan", "--out", out, status=2).err


def test_antecedents_with_the_mark_between_items_differ(run: Run, tmp_path: Path) -> None:
    baskets, out = tmp_path / "b.csv", tmp_path / "rules.csv"
    baskets.write_text("a|b,c\na,b,c\na\\,c\n")
    run("rules", "--baskets", baskets, "--out", out, *ALL)
    left = {row[0] for row in pl.read_csv(out).iter_rows() if row[1] == "c"}
    assert left == {r"a\|b", "a", "b", "a|b", "a\\\\"}


@pytest.mark.parametrize(
    ("options", "hints"),
    [
        # Bread and butter, who have jam, 1 of 4: lift 2. Bread and butter: 2 of 4 baskets.
        ((*ALL, "--min-lift", 5), ["--min-lift 2: "]),
        ((*ALL, "--min-support", 0.9), ["--min-support 0.45 --min-baskets 1: 2 rules"]),
        ((*ALL, "--min-baskets", 4), ["--min-support 7.5e-05 --min-baskets 2: 2 rules"]),
        (("--min-baskets", 4, "--min-lift", 9), ["--min-support 0 --min-baskets 1 --min-conf"]),
    ],
)
def test_no_rules_say_which_threshold_did_it(
    run: Run, baskets: Path, tmp_path: Path, options: tuple[object, ...], hints: list[str]
) -> None:
    out = tmp_path / "rules.csv"
    said = run("rules", "--baskets", baskets, "--out", out, *options).err
    assert f"0 rules in {out}" in said
    assert [hint for hint in hints if hint not in said] == [], said
    for line in said.splitlines():  # each hint gives as many rules as it says
        if line.startswith("  --"):
            lower, count = line.strip().removesuffix(" rules").split(": ")
            run("rules", "--baskets", baskets, "--out", out, *options, *lower.split())
            assert pl.read_csv(out).height == int(count)


def test_single_items_have_no_rules_at_any_threshold(run: Run, tmp_path: Path) -> None:
    baskets, out = tmp_path / "b.csv", tmp_path / "rules.csv"
    baskets.write_text("a\nb\n")
    assert "No basket holds two" in run("rules", "--baskets", baskets, "--out", out).err


def test_yesterdays_rules_stay_until_todays_are_whole(
    run: Run, baskets: Path, tmp_path: Path
) -> None:
    out = tmp_path / "rules.csv"
    out.write_text("yesterday")
    link = tmp_path / "link.csv"
    link.symlink_to(out)
    run("rules", "--baskets", tmp_path / "none.csv", "--out", link, status=1)
    assert out.read_text() == "yesterday"
    run("rules", "--baskets", baskets, "--out", link, *ALL)
    assert out.read_text().startswith("antecedent")
    assert link.is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"baskets.csv", "rules.csv", "link.csv"}


def test_where_nothing_can_be_written_nothing_is_read(run: Run, tmp_path: Path) -> None:
    nowhere = tmp_path / "none" / "rules.csv"
    said = run("rules", "--baskets", tmp_path / "b.csv", "--out", nowhere, status=1).err
    assert str(nowhere.parent) in said
    assert "IsADirectoryError" in run("rules", "--out", tmp_path, status=1).err
