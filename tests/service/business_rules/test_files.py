"""The shop's files are read again when they change; invalid ones leave the old in force."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from service.business_rules.accepted import AcceptedFiles
from service.business_rules.errors import RulesError
from service.business_rules.files import RuleFiles
from tests.data.merchandised_shop import SHOP, ids, text_of

EXCLUDE = "{{name: a, action: exclude, item: {}}}"


def allowed(files: RuleFiles, store: str | None = None) -> set[str]:
    assert files.rulebook is not None
    found = files.rulebook.plan(store).allowed
    return ids(np.flatnonzero(found)) if found is not None else set(SHOP.item_ids)


def refused(files: RuleFiles) -> str:
    assert files.refused is not None
    return files.refused


def replace(path: Path, text: str) -> None:
    """Put another file in the place of a file, as a careful writer does."""
    (new := path.with_suffix(".new")).write_text(text)
    new.rename(path)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(text_of(EXCLUDE.format("tea")))
    return path


def test_without_files_there_is_no_rulebook() -> None:
    files = RuleFiles(SHOP, None, None)
    assert (files.rulebook, files.refused, files.look()) == (None, None, [])


def test_a_file_that_changes_is_in_force_after_a_look(rules: Path) -> None:
    files = RuleFiles(SHOP, rules, None)
    assert files.look() == []
    replace(rules, text_of(EXCLUDE.format("mug")))
    (reload,) = files.look()
    assert (reload.file, reload.path, reload.refused) == ("rules", rules, None)
    assert allowed(files) == set(SHOP.item_ids) - {"mug"}
    assert files.look() == []


def test_a_change_in_place_and_of_equal_length_is_seen(rules: Path) -> None:
    files = RuleFiles(SHOP, rules, None)
    rules.write_text(text_of(EXCLUDE.format("rye")))
    os.utime(rules, ns=(0, 0))  # whatever the clock of the file system can tell apart
    assert len(files.look()) == 1
    assert allowed(files) == set(SHOP.item_ids) - {"rye"}


def test_bad_rules_leave_the_old_in_force_until_they_are_mended(rules: Path) -> None:
    files = RuleFiles(SHOP, rules, None)
    for bad in ("rules: [", text_of(EXCLUDE.format("mug, factor: 2"))):
        replace(rules, bad)
        (reload,) = files.look()
        assert reload.refused == refused(files)
        assert refused(files).startswith(f"{rules}, line ")
        assert allowed(files) == set(SHOP.item_ids) - {"tea"}
        assert files.look() == []  # reported once
    rules.unlink()
    files.look()
    assert "No such file" in refused(files)
    assert allowed(files) == set(SHOP.item_ids) - {"tea"}
    rules.write_text(text_of())
    (reload,) = files.look()
    assert (reload.refused, files.refused) == (None, None)
    assert allowed(files) == set(SHOP.item_ids)


def test_each_file_is_reloaded_whatever_is_wrong_with_the_other(rules: Path) -> None:
    stock = rules.with_name("stock.parquet")
    parquet.write_table(pa.table({"store_id": ["1"], "item_id": ["tea"]}), stock)
    files = RuleFiles(SHOP, rules, stock)
    assert allowed(files, "1") == set()
    replace(rules, "rules: [")
    new = rules.with_name("new.parquet")
    parquet.write_table(pa.table({"store_id": ["1"], "item_id": ["mug"]}), new)
    new.rename(stock)
    assert [(each.file, each.refused is None) for each in files.look()] == [
        ("rules", False),
        ("availability", True),
    ]
    assert allowed(files, "1") == {"mug"}
    replace(stock, "no table")
    files.look()
    assert str(rules) in refused(files)
    assert str(stock) in refused(files)


def test_at_the_start_there_is_nothing_to_fall_back_on(rules: Path, tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"none\.parquet: .* found: No such file"):
        RuleFiles(SHOP, rules, tmp_path / "none.parquet")
    rules.write_bytes(b"rules: [\xff]")
    with pytest.raises(RulesError, match="YAML file in UTF-8"):
        RuleFiles(SHOP, rules, None)
    with pytest.raises(RulesError, match="not a regular file"):
        RuleFiles(SHOP, tmp_path, None)


def test_a_pipe_in_the_place_of_a_file_holds_nothing_up(rules: Path) -> None:
    files = RuleFiles(SHOP, rules, None)
    rules.unlink()
    os.mkfifo(rules)
    for _ in range(2):
        files.look()
        assert "not a regular file" in refused(files)
        assert allowed(files) == set(SHOP.item_ids) - {"tea"}
    replace(rules, text_of())
    files.look()
    assert (files.refused, allowed(files)) == (None, set(SHOP.item_ids))


def test_what_was_accepted_is_in_force_while_the_file_is_broken(rules: Path) -> None:
    (shared := rules.with_name("shared")).mkdir()
    stock = rules.with_name("stock.parquet")
    parquet.write_table(pa.table({"store_id": ["1"], "item_id": ["mug"]}), stock)
    RuleFiles(SHOP, rules, stock, AcceptedFiles(shared))
    replace(rules, "rules: [")
    stock.unlink()
    started_later = RuleFiles(SHOP, rules, stock, AcceptedFiles(shared))
    assert allowed(started_later) == set(SHOP.item_ids) - {"tea"}
    assert allowed(started_later, "1") == {"mug"}
    assert str(rules) in refused(started_later)
    assert str(stock) in refused(started_later)
    replace(rules, text_of())
    started_later.look()
    assert str(rules) not in refused(started_later)
    assert allowed(started_later) == set(SHOP.item_ids)


@pytest.mark.parametrize("shared", [True, False])
def test_rules_of_another_bundle_begin_with_those_in_force(rules: Path, shared: bool) -> None:
    accepted = AcceptedFiles(rules.parent if shared else None)
    RuleFiles(SHOP, rules, None, accepted)
    rules.write_text("rules: [")
    assert allowed(RuleFiles(SHOP, rules, None, accepted)) == set(SHOP.item_ids) - {"tea"}


def test_what_one_worker_accepted_is_in_force_in_all(rules: Path) -> None:
    (shared := rules.with_name("shared")).mkdir()
    one, other = (RuleFiles(SHOP, rules, None, AcceptedFiles(shared)) for _ in range(2))
    replace(rules, text_of(EXCLUDE.format("mug")))
    one.look()
    replace(rules, "rules: [")  # before the other one has looked
    assert [each.refused is None for _ in range(3) for each in other.look()] == [False, True]
    assert allowed(other) == allowed(one) == set(SHOP.item_ids) - {"mug"}
    assert "rules.yaml" in refused(other)


def test_accepted_contents_that_were_removed_are_kept_again(rules: Path) -> None:
    (shared := rules.with_name("shared")).mkdir()
    files = RuleFiles(SHOP, rules, None, AcceptedFiles(shared))
    (kept,) = shared.iterdir()
    kept.unlink()
    files.look()
    replace(rules, "rules: [")
    assert allowed(RuleFiles(SHOP, rules, None, AcceptedFiles(shared))) == allowed(files)


def test_a_trial_knows_the_stock_and_changes_nothing(rules: Path) -> None:
    files = RuleFiles(SHOP, rules, None)
    trial = files.trial(text_of(EXCLUDE.format("mug")), lambda: 0)
    tried = trial.plan(None).allowed
    assert tried is not None
    assert ids(np.flatnonzero(~tried)) == {"mug"}
    assert allowed(files) == set(SHOP.item_ids) - {"tea"}
    with pytest.raises(RulesError, match="rules, line 2"):
        files.trial(text_of("nonsense"), lambda: 0)


def test_what_is_named_in_vain_is_told_with_its_line(rules: Path) -> None:
    stock = rules.with_name("stock.parquet")
    columns = {"store_id": ["1", "1", "2"], "item_id": ["mug", "tea", "?"], "quantity": [3, 0, 9]}
    parquet.write_table(pa.table(columns), stock)
    replace(
        rules,
        text_of(
            "{name: gone, action: exclude, item: [tea, coffee, milk]}",
            "{name: known, action: boost, factor: 2, item: ' tea '}",
            "{name: none, action: pin, place: 1, category: bread, brand: Acme}",
            "{name: far, action: bury, factor: 0.5, item: coffee, store: [1, 9, 8]}",
        ),
    )
    files = RuleFiles(SHOP, rules, stock)
    assert files.warnings == [
        f"{rules}, line 2: 'gone': the catalogue has no item 'coffee' and 1 more",
        f"{rules}, line 4: 'none': no item of the catalogue meets its conditions",
        f"{rules}, line 5: 'far': the catalogue has no item 'coffee'",
        f"{rules}, line 5: 'far': the stock file has no store '8' and 1 more",
        f"{stock}: 1 rows with a quantity of 0 or less, or none",
        f"{stock}: no item of the catalogue is in store '2'",
    ]
    assert allowed(files, "1") == {"mug"}
    replace(rules, text_of(EXCLUDE.format("tea")))
    files.look()
    assert len(files.warnings) == 2


def test_warnings_of_a_large_file_are_few(rules: Path) -> None:
    lines = [f"{{name: r{number}, action: exclude, item: none}}" for number in range(300)]
    replace(rules, text_of(*lines))
    assert len(RuleFiles(SHOP, rules, None).warnings) == 100


def test_spaces_around_a_name_do_not_belong_to_it(rules: Path) -> None:
    line = "{name: ' a ', action: exclude, category: ' bread', brand: 'own ', store: [' 1 ']}"
    replace(rules, text_of(line))
    files = RuleFiles(SHOP, rules, None)
    assert files.warnings == []
    assert allowed(files, "1") == set(SHOP.item_ids) - {"rye"}
    assert allowed(files, "2") == set(SHOP.item_ids)
