"""`rtt2vec-build fold-in`: users added between two builds, as a person at a terminal sees it."""

import json
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from service.bundle.bundle import Bundle, load_bundle
from service.recommending.recommender import Recommender
from service.support.forgotten_users import ForgottenUsers
from tests.data.requests import a_request
from tests.data.tiny_bundle import AISLES
from tests.data.tiny_shop import lines, write_shop
from tests.index_builder.cli.conftest import COMMAND, CUT, QUICK
from tests.index_builder.conftest import Run

NEW = ("user-2", "user-5")  # one of each aisle


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the tiny shop before the cut, without these users, by the real command."""
    folder = tmp_path_factory.mktemp("shop")
    others = lines().filter(~pl.col("user_id").is_in(NEW))
    transactions, products = write_shop(folder, others)
    shop = ("--transactions", transactions, "--products", products)
    done = subprocess.run(
        [COMMAND, *shop, "--out", folder / "bundles", "--until", CUT, *QUICK],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return load_bundle(folder / "bundles").path


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The transactions of all users, to the end."""
    return write_shop(tmp_path_factory.mktemp("everyone"))[0]


def answers(bundle: Bundle) -> list[object]:
    """What users 0, 1, 3 and 4, and a stranger, are recommended."""
    recommender = Recommender(bundle)
    users = ("user-0", "user-1", "user-3", "user-4", None)
    baskets: list[list[str]] = [[], ["item-3"], ["item-0", "item-2", "item-7"]]
    asked = [a_request(user, basket, explain=True) for user in users for basket in baskets]
    return [recommender.recommend(each) for each in asked]


@pytest.mark.parametrize("beside", ["the bundle", "the result"])
def test_forgotten_users_are_not_folded_in(
    run: Run, built: Path, everyone: Path, tmp_path: Path, beside: str
) -> None:
    bundles, out = tmp_path / "bundles", tmp_path / "out"
    out.mkdir()
    shutil.copytree(built, bundles / built.name)
    ForgottenUsers(bundles if beside == "the bundle" else out).add("user-5", 1 << 33)
    source = ("--bundle", bundles / built.name, "--transactions", everyone)
    assert run("fold-in", *source, "--out", out).err.endswith("1 users folded in\n")
    assert "user-5" not in load_bundle(out).user_ids


def test_folded_in_users_are_known_and_other_answers_stay(
    run: Run, built: Path, everyone: Path, tmp_path: Path
) -> None:
    before = load_bundle(built)
    said = run("fold-in", "--bundle", built, "--transactions", everyone, "--out", tmp_path).err
    after = load_bundle(tmp_path)
    assert said.splitlines()[-1] == f"✓ {after.path} is current: 2 users folded in"
    assert after.bundle_id != before.bundle_id
    assert answers(after) == answers(before)
    recommender = Recommender(after)
    for user, aisle in zip(NEW, AISLES, strict=True):
        answer = recommender.recommend(a_request(user, k=10))
        assert answer.source == "user"
        assert {item.category for item in answer.items} == {aisle}


def test_by_default_the_bundle_is_written_beside_the_one_it_was_made_from(
    run: Run, built: Path, everyone: Path
) -> None:
    for _ in range(2):  # the second time from its own result: nothing changes
        run("fold-in", "--bundle", built.parent, "--transactions", everyone)
        folded = load_bundle(built.parent)
        assert folded.path.parent == built.parent
        assert folded.user_ids[-2:] == list(NEW)
    names = {path.name for path in built.parent.iterdir()}
    assert names == {"current", built.name, folded.path.name}


def test_until_leaves_later_baskets_out(
    run: Run, built: Path, everyone: Path, tmp_path: Path
) -> None:
    arguments = ("fold-in", "--bundle", built, "--transactions", everyone)
    run(*arguments, "--until", CUT, "--out", tmp_path / "cut")
    run(*arguments, "--out", tmp_path / "all")
    at_cut, later = load_bundle(tmp_path / "cut"), load_bundle(tmp_path / "all")
    cut_s = pl.Series([CUT]).str.to_datetime().dt.epoch("s").item()
    assert at_cut.history_last.max() < cut_s <= later.history_last.max()
    assert at_cut.manifest.as_of == later.manifest.as_of == f"{CUT}T00:00:00"


def test_users_missing_from_the_transactions_are_counted(
    run: Run, built: Path, everyone: Path, tmp_path: Path
) -> None:
    run("fold-in", "--bundle", built, "--transactions", everyone, "--out", tmp_path)
    rest = write_shop(tmp_path, lines().filter(pl.col("user_id") != NEW[0]))[0]
    said = run("fold-in", "--bundle", tmp_path, "--transactions", rest).err
    assert "1 users of an earlier fold-in are not in these transactions." in said.splitlines()
    assert said.splitlines()[-1].endswith("is current: 1 users folded in")


def test_folded_in_users_are_not_evaluated(
    run: Run, built: Path, everyone: Path, tmp_path: Path
) -> None:
    run("fold-in", "--bundle", built, "--transactions", everyone, "--out", tmp_path)
    requests = tmp_path / "requests.jsonl"
    held_out = ("--transactions", everyone, "--requests", requests)
    run("sample-requests", "--bundle", tmp_path, *held_out)
    users = {json.loads(line)["user_id"] for line in requests.read_text("utf-8").splitlines()}
    assert users == {"user-0", "user-1", "user-3", "user-4"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bundle", "nowhere"], "BundleMissingError"),
        (["--transactions", "nowhere.csv"], "nowhere.csv: no such file"),
    ],
)
def test_a_refusal_is_one_message(
    run: Run, built: Path, everyone: Path, arguments: list[str], message: str
) -> None:
    options = {"--bundle": str(built), "--transactions": str(everyone)}
    options |= dict([arguments])
    flags = [word for pair in options.items() for word in pair]
    assert message in run("fold-in", *flags, status=1).err
