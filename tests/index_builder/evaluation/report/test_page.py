"""The report: every section, every picture, and the same bytes for the same seed."""

import re
from pathlib import Path

import pytest

from index_builder.evaluation.evaluate import Evaluation
from index_builder.evaluation.figures import figure
from index_builder.evaluation.report import write_report
from index_builder.evaluation.sweep import LAMBDAS, SUBSTITUTE_WEIGHTS
from tests.data.evaluated_shop import N_BASKETS, evaluated
from tests.data.ranked_shop import N_ITEMS

COMMAND = "rtt2vec-build evaluate --transactions shop.parquet"


def written(directory: Path, evaluation: Evaluation) -> str:
    path = write_report(evaluation, directory, "shop.parquet", COMMAND)
    assert path == directory / "report.md"
    return path.read_text(encoding="utf-8")


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole report."""
    directory = tmp_path_factory.mktemp("report") / "made" / "on demand"
    written(directory, evaluated())
    return directory


@pytest.fixture(scope="module")
def text(directory: Path) -> str:
    return (directory / "report.md").read_text(encoding="utf-8")


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table behind a heading, without its head."""
    lines = text.split(heading)[1].split("\n\n|")[1].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_section_is_there(text: str) -> None:
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# How good are the recommendations?",
        "## By basket size and past baskets",
        "## Ablations",
        "## Catalogue coverage",
        "## Diversity",
        "## Calibration of the score",
        "## Basket score",
        "## Evaluation protocol",
    ]


def test_every_picture_it_links_is_there_and_none_else(directory: Path, text: str) -> None:
    linked = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert sorted(linked) == sorted(path.name for path in directory.glob("*.svg"))
    assert len(linked) == 7
    for name in linked:
        assert (directory / name).read_text(encoding="utf-8").endswith("</svg>\n")


def test_the_table_has_every_method_and_its_figures(text: str) -> None:
    rows = table(text, "# How good")
    methods = evaluated().methods
    assert [row[0].strip("*") for row in rows] == list(methods)
    for row, measured in zip(rows, methods.values(), strict=True):
        recall = f"{measured.quality.recall:.3f}".removeprefix("0")
        assert row[1].strip("*").startswith(f"{recall} (")
    assert rows[-1][0] == "**RTT2Vec, as served**"


def test_every_ablation_has_a_row(text: str) -> None:
    rows = table(text, "## Ablations")
    assert [row[0] for row in rows] == [each.ablation.name for each in evaluated().ablations]


def test_every_lambda_has_a_row_and_what_it_keeps(text: str) -> None:
    rows = table(text, "## Diversity")
    assert [float(row[0]) for row in rows] == list(LAMBDAS)
    assert rows[0][2:4] == ["100.0 %", "0 (0 to 0)"]
    demoted = text.split("| `substitute_weight` |")[1].split("\n\n")[0].splitlines()[2:]
    assert [float(line.split("|")[1]) for line in demoted] == list(SUBSTITUTE_WEIGHTS)


def test_the_basket_score_is_judged_beside_the_share_bought_before(text: str) -> None:
    judged = evaluated().basket_score
    assert judged is not None
    assert len(judged.users) == N_BASKETS
    rows = table(text, "## Basket score")
    for row, way in zip(rows, (judged.personal, judged.population, judged.share), strict=True):
        assert row[1:3] == [figure(way.foreign_auc), figure(way.swapped_auc)]
    assert judged.personal.foreign_auc > judged.population.foreign_auc
    assert judged.personal.swapped_auc > 0.6
    on_the_slice = evaluated().bundle.manifest.metrics["basket_score"]
    assert isinstance(on_the_slice, dict)
    assert {"auc_foreign", "auc_swapped", "calibration_error"} < on_the_slice.keys()


def test_it_says_how_it_was_made(text: str) -> None:
    bundle = evaluated().bundle
    for words in (
        COMMAND,
        "shop.parquet",
        f"{N_ITEMS} items",
        f"{N_BASKETS} baskets",
        bundle.bundle_id,
        "before 2017-09-20 00:00",
        "item-kNN: shrinkage ",
        "**Seed** 0",
        "numpy ",
        "[^1]: DCG / ideal DCG",
        "(.2391 beside .1481",
    ):
        assert words in text
    assert "{" not in text


def test_no_path_of_the_machine_is_shown(directory: Path) -> None:
    for content in contents(directory).values():
        assert str(directory).encode() not in content
        assert str(Path.home()).encode() not in content
        assert str(Path(__file__).parents[4]).encode() not in content


def test_the_same_seed_gives_the_same_bytes(directory: Path, tmp_path: Path) -> None:
    written(tmp_path, evaluated())
    assert contents(tmp_path) == contents(directory)


def test_another_seed_gives_other_intervals(tmp_path: Path) -> None:
    text, other = (written(tmp_path, evaluated(seed, quick=True)) for seed in (0, 1))
    assert table(other, "# How good") != table(text, "# How good")


def test_sections_left_out_are_mentioned(tmp_path: Path) -> None:
    text = written(tmp_path, evaluated(quick=True))
    assert "Left out by `--quick`" in text
    assert "ablations.svg" not in text
    assert not (tmp_path / "ablations.svg").exists()
    assert len(table(text, "# How good")) == 3


def test_an_earlier_report_is_replaced(tmp_path: Path) -> None:
    for name in ("report.md", "recall.svg", "ablations.svg", "mine.svg"):
        (tmp_path / name).write_text("from another day")
    assert "from another day" not in written(tmp_path, evaluated(quick=True))
    assert "from another day" not in (tmp_path / "recall.svg").read_text(encoding="utf-8")
    assert not (tmp_path / "ablations.svg").exists()
    assert (tmp_path / "mine.svg").exists()
