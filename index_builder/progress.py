"""Progress on the console: stages with their times, and the bar of a training."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_Done = TypeVar("_Done")


class _Rate(ProgressColumn):
    """Lines per second, over the last steps."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed / 1e6:.2f} M lines/s" if speed else "compiling …")


class TrainingProgress:
    """The progress bar of one training run."""

    def __init__(self, progress: Progress, task: int) -> None:
        self._progress, self._task = progress, progress.task_ids[task]

    def show(self, lines: int, loss: float, note: str = "") -> None:
        """Moves the bar to this number of lines; `note` stays beside it until the next call."""
        self._progress.update(self._task, completed=lines, detail=f"loss {loss:.3f} {note}")


@contextmanager
def training_progress(console: Console, title: str, lines: int) -> Iterator[TrainingProgress]:
    """Shows a bar with speed, loss and the time left, and at the end the time taken."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        _Rate(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
    )
    began = perf_counter()
    with Progress(*columns, console=console, speed_estimate_period=10) as progress:
        progress.add_task(title, total=lines, detail="")
        yield TrainingProgress(progress, 0)
    _done(console, title, began)


@contextmanager
def stage(console: Console, title: str) -> Iterator[None]:
    """Shows the title of a stage, and at the end the time taken."""
    began = perf_counter()
    with console.status(title):
        yield
    _done(console, title, began)


def counted(console: Console, title: str, done: Iterable[_Done], total: int) -> Iterator[_Done]:
    """Shows a bar that moves with each of `total` things, and at the end the time taken."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    began = perf_counter()
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        yield from progress.track(done, total=total, description=title)
    _done(console, title, began)


def _done(console: Console, title: str, began: float) -> None:
    console.print(f"[green]✓[/] {title} [dim]{perf_counter() - began:.1f} s[/]")
