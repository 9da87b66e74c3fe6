"""`rtt2vec-build recommend`: a file with what the service would answer."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from service.bundle.bundle import load_bundle
from service.business_rules.files import RuleFiles
from service.recommending.recommender import Recommender
from service.support.forgotten_users import ForgottenUsers
from tests.data.requests import a_request
from tests.index_builder.conftest import Run, refused


def test_every_user_has_the_recommendations_of_the_service(
    run: Run, bundles: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n- {name: no, action: exclude, item: [item-0, gone]}\n")
    done = run(
        "recommend", "--bundle", bundles, "--out", tmp_path / "r.parquet", "--k", 7,
        "--rules", rules, "--exclude-purchased-days", 9000,
    ).err  # fmt: skip
    assert "the catalogue has no item 'gone'" in done
    bundle = load_bundle(bundles)
    rulebook = RuleFiles(bundle.catalogue, rules, None).rulebook
    expected = []
    for user in bundle.user_ids:
        request = a_request(user, k=7, exclude_purchased=9000)
        answer = Recommender(bundle).recommend(request, rulebook=rulebook)
        expected += [
            (user, place, each.item_id, each.name, each.category, answer.source)
            for place, each in enumerate(answer.items, 1)
        ]
    rows = pl.read_parquet(tmp_path / "r.parquet").drop("score").rows()
    assert rows == expected
    assert "item-0" not in {row[2] for row in rows}


def test_users_of_a_file_come_once_and_strangers_get_the_best_sellers(
    run: Run, bundles: Path, tmp_path: Path
) -> None:
    (tmp_path / "users.csv").write_text("user_id,mail\nnobody,a\n user-1 ,b\nnobody,c\n")
    out = tmp_path / "r.parquet"
    out.write_text("of yesterday")
    done = run(
        "recommend", "--bundle", bundles, "--users", tmp_path / "users.csv", "--out", out
    ).err
    assert "2 users in" in done
    assert "1 of them without a known purchase" in done
    found = pl.read_parquet(out)
    assert found["user_id"].unique(maintain_order=True).to_list() == ["nobody", "user-1"]
    sources = found.unique(["user_id", "source"]).select("user_id", "source").rows()
    assert set(sources) == {("nobody", "popularity"), ("user-1", "user")}


def test_nobody_who_is_to_be_forgotten_gets_any(run: Run, bundles: Path, tmp_path: Path) -> None:
    shutil.copytree(bundles, tmp_path / "bundles", symlinks=True)
    ForgottenUsers(tmp_path / "bundles").add("user-1", 1 << 33)
    run("recommend", "--bundle", tmp_path / "bundles", "--out", tmp_path / "r.parquet")
    users = set(pl.read_parquet(tmp_path / "r.parquet")["user_id"])
    assert users == {user for user in load_bundle(bundles).user_ids if user != "user-1"}


@pytest.mark.parametrize("rules", ["rules: [", "rules:\n- {name: a, action: exclude}\n"])
def test_bad_rules_are_refused_and_yesterdays_file_stays(
    run: Run, bundles: Path, tmp_path: Path, rules: str
) -> None:
    (tmp_path / "rules.yaml").write_text(rules)
    (tmp_path / "r.parquet").write_text("of yesterday")
    out = ("--out", tmp_path / "r.parquet")
    given = ("--bundle", bundles, *out, "--rules", tmp_path / "rules.yaml")
    assert "rules.yaml, line " in refused(run, "RulesError", "recommend", *given)
    assert (tmp_path / "r.parquet").read_text() == "of yesterday"
