"""A training that is killed goes on, and ends with the same vectors."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index_builder.config import Objective, TrainConfig
from index_builder.embeddings.checkpoints import remove_checkpoints
from index_builder.embeddings.embeddings import Embeddings, Step, TrainingError
from index_builder.embeddings.training import train
from tests.data.ranked_shop import shop

OBJECTIVES = list(Objective)
EPOCHS, KILLED_AT = 2, 7  # steps of which there are some ten or more

KILLED = """
import os, signal, sys
from tests.index_builder.embeddings.test_checkpoints import KILLED_AT, learn
steps = []

def on_step(step, _):
    steps.append(step)
    if len(steps) == KILLED_AT:
        os.kill(os.getpid(), signal.SIGKILL)

learn(sys.argv[1], sys.argv[2], on_step)
"""


def never(_step: Step, _embeddings: Embeddings) -> None:
    """Train to the end."""


def learn(
    objective: str, folder: str | Path | None, on_step: object = never, **config: object
) -> Embeddings:
    """Train on the ranked shop on one thread; a checkpoint follows every step."""
    chosen = TrainConfig.model_validate(
        {"objective": objective, "dimension": 8, "threads": 1, "epochs": EPOCHS}
        | {"checkpoints": folder, "checkpoint_s": 0, **config}
    )

    def told(step: Step, embeddings: Embeddings) -> bool:
        assert callable(on_step)
        return bool(on_step(step, embeddings))

    return train(shop().encoded, chosen, EPOCHS, told)


def equal(one: Embeddings, other: Embeddings) -> bool:
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_killed_training_ends_as_if_it_had_not_been(objective: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, objective, str(tmp_path)]
    root = Path(__file__).parents[3]
    killed = subprocess.run(command, cwd=root, env=os.environ | {"PYTHONPATH": "."}, check=False)
    assert killed.returncode == -9
    (kept,) = tmp_path.iterdir()
    left: list[int] = []
    resumed = learn(objective, tmp_path, lambda step, _: left.append(step.lines))
    whole: list[int] = []
    unkilled = learn(objective, None, lambda step, _: whole.append(step.lines))
    assert left == whole[KILLED_AT - 1 :]
    assert equal(resumed, unkilled)
    again = learn(objective, tmp_path, lambda *_: pytest.fail("a step of a finished training"))
    assert equal(again, unkilled)
    remove_checkpoints(tmp_path)
    assert not kept.exists()


@pytest.mark.parametrize("change", [{"seed": 2}, {"dimension": 9}, {"max_triples": 100}])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_another_training_begins_by_itself(
    objective: str, change: dict[str, int], tmp_path: Path
) -> None:
    learn(objective, tmp_path)
    assert equal(learn(objective, tmp_path, **change), learn(objective, None, **change))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(
    ("change", "found"),
    [({"seed": 2}, "{other}"), ({"dimension": 9}, r"float32 \(\d+, (9|18)\)")],
    ids=["seed", "dimension"],
)
def test_the_checkpoint_of_another_training_is_refused(
    objective: str, change: dict[str, int], found: str, tmp_path: Path
) -> None:
    learn(objective, tmp_path)
    (kept,) = tmp_path.iterdir()
    learn(objective, tmp_path / "others", **change)
    (other,) = (tmp_path / "others").iterdir()
    kept.write_bytes(other.read_bytes())
    told = f"{kept.name}: .*expected .*, found {found.format(other=other.name)}.*Delete it"
    with pytest.raises(TrainingError, match=told):
        learn(objective, tmp_path)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_damaged_checkpoint_is_refused_wherever_it_is(objective: str, tmp_path: Path) -> None:
    learn(objective, tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    places = [int(place) for place in np.linspace(0, len(whole) - 1, 40)]
    flipped = [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in places]
    cut = [whole[:at] for at in places]
    for content in (*flipped, *cut, b"PK", bytes(100), whole + b"PK"):
        kept.write_bytes(content)
        with pytest.raises(TrainingError, match=f"^{kept}: expected a checkpoint, .* Delete it"):
            learn(objective, tmp_path)


def test_half_a_checkpoint_of_a_killed_training_goes(tmp_path: Path) -> None:
    learn("completion", tmp_path)
    (kept,) = tmp_path.iterdir()
    half = kept.with_name(f".{kept.name}-1234567")
    half.touch()
    kept.unlink()
    learn("completion", tmp_path)
    assert not half.exists()
    half.touch()
    remove_checkpoints(tmp_path)
    assert not list(tmp_path.iterdir())


def test_checkpoints_are_kept_only_now_and_then(tmp_path: Path) -> None:
    """Only the last step of a training of less than five minutes keeps one."""
    seen: list[int] = []
    learn(
        "completion",
        tmp_path,
        lambda *_: seen.append(len(list(tmp_path.iterdir()))),
        checkpoint_s=300,
    )
    assert set(seen) == {0}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_work_ends_at_a_cap(objective: str) -> None:
    lines = len(shop().encoded.basket_items)
    for cap in (lines // 2, 3 * lines // 2):
        seen: list[int] = []
        learn(objective, None, lambda step, _, seen=seen: seen.append(step.lines), max_triples=cap)
        assert seen[-1] == pytest.approx(cap, rel=0.02)
    uncapped, above = (learn(objective, None, max_triples=cap) for cap in (None, 9 * lines))
    assert equal(uncapped, above)


def test_where_checkpoints_are_is_no_part_of_a_build() -> None:
    written = TrainConfig(checkpoints=Path("somewhere"), checkpoint_s=1).model_dump(mode="json")
    assert written == TrainConfig().model_dump(mode="json")
