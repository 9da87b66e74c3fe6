"""The command `rtt2vec-build`: help, bad options, refusals."""

from pathlib import Path

import pytest

from tests.index_builder.conftest import Run, refused


def test_help_shows_options_commands_and_examples(run: Run) -> None:
    done = run("--help")
    for word in ("--transactions", "user_id, basket_id, item_id", "--until", "2017-12-01"):
        assert word in done.out
    for word in ("evaluate", "sample-requests", "rtt2vec-serve", "Complete Journey"):
        assert word in done.out
    assert "  rtt2vec-build --transactions shop.parquet --products products.csv\n" in done.out


@pytest.mark.parametrize("command", ["evaluate", "sample-requests"])
def test_help_of_a_command(run: Run, command: str) -> None:
    done = run(command, "--help")
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
    assert message in run(*arguments, status=2).err


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["--transactions", "nowhere.csv"], "UnreadableFileError", "nowhere.csv: no such file"),
        (["--products", "products.csv"], "SourceError", "--products needs --transactions"),
        (["--path", "there"], "SourceError", "--dataset instacart"),
        (["evaluate", "--bundle", "nowhere"], "BundleMissingError", "nowhere"),
    ],
)
def test_unusable_sources_are_refused(
    run: Run, arguments: list[str], kind: str, message: str
) -> None:
    assert message in refused(run, kind, *arguments)


def test_a_place_that_cannot_be_written_to_is_refused(
    run: Run, shop_files: tuple[Path, Path], bundles: Path, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    shop = ("--transactions", shop_files[0])
    assert str(in_the_way) in refused(run, "FileExistsError", *shop, "--out", in_the_way)
    arguments = ("sample-requests", *shop, "--bundle", bundles, "--requests", tmp_path)
    assert str(tmp_path) in refused(run, "IsADirectoryError", *arguments)
