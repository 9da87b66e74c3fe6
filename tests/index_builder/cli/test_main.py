"""The command `rtt2vec-build`: what a person at a terminal gets to see."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from index_builder.cli.main import main
from service.bundle.bundle import load_bundle
from service.http.schemas import RecommendRequest, request_type
from service.settings import Settings
from tests.data.tiny_shop import END, lines

COMMAND = Path(sys.executable).parent / "rtt2vec-build"
QUICK = ("--dimension", "8", "--epochs", "2", "--threads", "1", "--backend", "exact")
CUT = "2017-11-20"


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit status."""

    status: object
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["rtt2vec-build", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        printed = capsys.readouterr()
        return Done(exit_.value.code, printed.out, printed.err)

    return run


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory, shop_files: tuple[Path, Path]) -> Path:
    """A directory with a bundle of the tiny shop's baskets before the cut, by the real command."""
    out = tmp_path_factory.mktemp("bundles")
    transactions, products = shop_files
    shop = ("--transactions", transactions, "--products", products)
    done = subprocess.run(
        [COMMAND, *shop, "--out", out, "--until", CUT, *QUICK],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""  # progress is not the answer
    bundle = load_bundle(out)
    last = done.stderr.splitlines()[-1]
    assert last == f"✓ {bundle.path} is current: rtt2vec-serve --bundle {out}"
    return out


def refused(done: Done, kind: str) -> str:
    """The message of a refusal: its kind, one message, no traceback, status 1."""
    assert done.status == 1
    assert "Traceback" not in done.err
    assert kind in done.err.splitlines()
    return done.err.split(f"{kind}\n")[1].rstrip("\n")


def test_the_command_says_what_it_read_and_what_it_made(bundles: Path) -> None:
    manifest = load_bundle(bundles).manifest
    assert manifest.as_of == f"{CUT}T00:00:00"
    assert manifest.retrieval.backend == "exact"
    training = manifest.build["train"]
    assert isinstance(training, dict)
    assert training["dimension"] == 8


def test_help_teaches(run: Run) -> None:
    done = run("--help")
    assert done.status == 0
    for word in ("--transactions", "user_id, basket_id, item_id", "--until", "2017-12-01"):
        assert word in done.out
    for word in ("evaluate", "sample-requests", "rtt2vec-serve", "Complete Journey"):
        assert word in done.out
    assert "  rtt2vec-build --transactions shop.parquet --products products.csv\n" in done.out


@pytest.mark.parametrize("command", ["evaluate", "sample-requests"])
def test_help_of_a_command(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert done.status == 0
    assert "--bundle" in done.out
    assert "held-out" in done.out or "began after its cut" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dimension", "0"], "--dimension"),
        (["--threads", "two"], "--threads"),
        (["--seed", "-1"], "--seed"),
        (["--backend", "annoy"], "--backend"),
        (["--dataset", "mnist"], "--dataset"),
        (["--until", "yesterday"], "expected ISO 8601, e.g. 2017-12-01, found 'yesterday'"),
        (["--until", "0001-01-01T00:00+14:00"], "expected ISO 8601"),
        (["--index-parameter", "k_factor"], "expected name=number, found ['k_factor']"),
        (["--index-parameter", "k_factor=x"], "expected name=number"),
        (["--index-parameter", "a=b=1"], "expected name=number"),
        (["--no-such-option"], "--no-such-option"),
        (["evaluat"], "evaluat"),
        (["sample-requests"], "--requests"),
        (["--seed", "3", "evaluate"], "expected --seed behind evaluate, found it in front"),
        (["--min-item-baskets", "3", "evaluate"], "expected --min-item-baskets behind evaluate"),
    ],
)
def test_a_bad_option_is_named(run: Run, arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.status == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_bad_data_is_one_message_with_the_file_as_it_is(run: Run, tmp_path: Path) -> None:
    # A long path with brackets, which are markup to whoever prints in colours.
    folder = tmp_path / ("[red]" + "long" * 20) / "[/]"
    folder.mkdir(parents=True)
    file = folder / "transactions.csv"
    file.write_text("user_id,basket_id,item_id\nu,b,i\n")
    message = refused(run("--transactions", file, "--out", folder), "MissingColumnError")
    assert message.startswith(f"{file}: no column 'timestamp'.")


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["--transactions", "nowhere.csv"], "UnreadableFileError", "nowhere.csv: no such file"),
        (["--products", "products.csv"], "SourceError", "--products needs --transactions"),
        (["--path", "there"], "SourceError", "--dataset instacart"),
        (["evaluate", "--bundle", "nowhere"], "BundleMissingError", "nowhere"),
    ],
)
def test_what_cannot_be_used_is_refused(
    run: Run, arguments: list[str], kind: str, message: str
) -> None:
    assert message in refused(run(*arguments), kind)


def test_a_shop_that_is_too_small_is_refused(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    arguments = ("--transactions", shop_files[0], "--out", tmp_path)
    message = refused(run(*arguments, "--min-item-baskets", 10_000), "TooFewBasketsError")
    assert "in 10000 baskets or more" in message
    assert "min_item_baskets" in message


def test_strictly_a_build_that_proves_nothing_is_refused(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    # Everybody buys the whole aisle again and again: who counts finds as much as the vectors do.
    arguments = ("--transactions", shop_files[0], "--out", tmp_path, *QUICK)
    message = refused(run(*arguments, "--strict"), "PublishGateError")
    assert "user frequency +0.000 (+0.000 to +0.000)" in message
    assert not list(tmp_path.iterdir())
    done = run(*arguments)
    assert done.status == 0
    assert "NOT SHOWN TO BEAT" in done.err


def test_an_index_that_cannot_be_is_refused(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    arguments = ("--transactions", shop_files[0], "--out", tmp_path, "--index-parameter", "q=1")
    assert "'q'" in refused(run(*arguments), "RetrievalError")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_refused(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    shop = ("--transactions", shop_files[0])
    assert str(in_the_way) in refused(run(*shop, "--out", in_the_way), "FileExistsError")
    arguments = ("sample-requests", *shop, "--bundle", bundles, "--requests", tmp_path)
    assert str(tmp_path) in refused(run(*arguments), "IsADirectoryError")


def test_a_bundle_can_be_built_into_any_name(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "[/]" / "a b"
    done = run("--transactions", shop_files[0], "--out", out, *QUICK)
    assert done.status == 0
    assert done.err.endswith(f"{load_bundle(out).path} is current: rtt2vec-serve --bundle {out}\n")


def test_evaluate_prints_the_table_and_writes_the_report(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    arguments = ("--transactions", shop_files[0], "--bundle", bundles, "--report", tmp_path / "r")
    done = run("evaluate", *arguments)
    assert done.status == 0
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
    done = run("evaluate", "--transactions", other, "--bundle", bundles, "--report", tmp_path / "r")
    message = refused(done, "OtherTransactionsError")
    assert message.startswith(f"{other}: not what bundle {load_bundle(bundles).bundle_id} was")
    assert not (tmp_path / "r").exists()


def test_without_later_baskets_there_is_nothing_to_evaluate(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    assert run("--transactions", shop_files[0], "--out", tmp_path, *QUICK).status == 0
    done = run("evaluate", "--transactions", shop_files[0], "--bundle", tmp_path)
    message = refused(done, "NoHeldOutBasketsError")
    assert str(load_bundle(tmp_path).path) in message
    assert "--until" in message


def test_sampled_requests_are_bodies_that_the_service_takes(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    file = tmp_path / "requests.jsonl"
    shop = ("--transactions", shop_files[0], "--bundle", bundles)
    assert run("sample-requests", "--requests", file, *shop, "--limit", 12).status == 0
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
        assert body.user_id in bundle.user_index
        assert set(body.basket) <= set(bundle.catalogue.index)
        assert any(body.user_id == user and items > set(body.basket) for user, items in held)
    first = [json.loads(line) for line in file.read_text().splitlines()]
    run("sample-requests", "--requests", file, *shop, "--limit", 12)
    assert [json.loads(line) for line in file.read_text().splitlines()] == first


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
    assert run(*build, *QUICK, "--min-item-baskets", 3).status == 0
    file = tmp_path / "requests.jsonl"
    arguments = ("--transactions", shop, "--bundle", tmp_path / "out", "--requests", file)
    assert run("sample-requests", *arguments).status == 0
    assert file.read_text() == ""


def test_a_build_that_is_killed_leaves_the_bundle_before_it(
    shop_files: tuple[Path, Path], bundles: Path
) -> None:
    before = load_bundle(bundles).path
    shop = ("--transactions", shop_files[0], "--out", bundles)
    endless = (*QUICK, "--epochs", "1000000")
    process = subprocess.Popen([COMMAND, *shop, *endless], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process.stderr:
        while "Training data" not in process.stderr.readline():
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert load_bundle(bundles).path == before
