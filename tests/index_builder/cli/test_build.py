"""`rtt2vec-build` without a command: what a person at a terminal gets to see."""

import os
import signal
import subprocess
from pathlib import Path

from service.bundle.bundle import load_bundle
from tests.index_builder.cli.conftest import COMMAND, CUT, QUICK
from tests.index_builder.conftest import Run, refused


def test_the_command_says_what_it_read_and_what_it_made(bundles: Path) -> None:
    manifest = load_bundle(bundles).manifest
    assert manifest.as_of == f"{CUT}T00:00:00"
    assert manifest.retrieval.backend == "exact"
    training = manifest.build["train"]
    assert isinstance(training, dict)
    assert training["dimension"] == 8


def test_bad_data_is_one_message_with_the_file_as_it_is(run: Run, tmp_path: Path) -> None:
    # A long path with brackets, which are markup of the console.
    folder = tmp_path / ("[red]" + "long" * 20) / "[/]"
    folder.mkdir(parents=True)
    file = folder / "transactions.csv"
    file.write_text("user_id,basket_id,item_id\nu,b,i\n")
    message = refused(run, "MissingColumnError", "--transactions", file, "--out", folder)
    assert message.startswith(f"{file}: no column 'timestamp'.")


def test_a_shop_that_is_too_small_is_refused(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    arguments = ("--transactions", shop_files[0], "--out", tmp_path)
    message = refused(run, "TooFewBasketsError", *arguments, "--min-item-baskets", 10_000)
    assert "in 10000 baskets or more" in message
    assert "min_item_baskets" in message


def test_strict_refuses_a_build_that_does_not_pass(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    # Every user buys the whole aisle again and again: counts find as much as the vectors do.
    arguments = ("--transactions", shop_files[0], "--out", tmp_path, *QUICK)
    message = refused(run, "PublishGateError", *arguments, "--strict")
    assert "user frequency +0.000 (+0.000 to +0.000)" in message
    assert not list(tmp_path.iterdir())
    done = run(*arguments)
    assert "NOT SHOWN TO BEAT" in done.err


def test_an_index_that_cannot_be_is_refused(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    arguments = ("--transactions", shop_files[0], "--out", tmp_path, "--index-parameter", "q=1")
    assert "'q'" in refused(run, "RetrievalError", *arguments)
    assert not list(tmp_path.iterdir())


def test_a_bundle_can_be_built_into_any_name(
    run: Run, shop_files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "[/]" / "a b"
    done = run("--transactions", shop_files[0], "--out", out, *QUICK)
    assert done.err.endswith(f"{load_bundle(out).path} is current: rtt2vec-serve --bundle {out}\n")


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


def test_checkpoints_change_no_build_and_do_not_stay(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    transactions, products = shop_files
    shop = ("--transactions", transactions, "--products", products, "--until", CUT)
    run(*shop, "--out", tmp_path / "out", *QUICK, "--checkpoints", tmp_path / "kept")
    assert load_bundle(tmp_path / "out").bundle_id == load_bundle(bundles).path.name
    assert list((tmp_path / "kept").iterdir()) == []
