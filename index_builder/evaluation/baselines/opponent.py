"""One opponent: a ranking function and the settings it was tuned to."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

from rich.console import Console

from index_builder.measuring.quality import RankingFunction
from index_builder.measuring.scorer import Scorer, top
from index_builder.progress import stage


class Opponent(NamedTuple):
    """A method, its ranking function and its tuned settings, empty if there are none."""

    name: str
    rank: RankingFunction
    settings: str = ""


def fitting(console: Console, name: str) -> AbstractContextManager[None]:
    """Shows that an opponent is tuned and fitted, and for how long."""
    return stage(console, f"Opponent: {name}")


def tuned(name: str, scorer: Scorer, settings: str, console: Console) -> Opponent:
    """The opponent of a scorer; its settings are shown."""
    console.print(f"  [dim]{name}: {settings}[/]", highlight=False)
    return Opponent(name, top(scorer), settings)


def told(settings: Mapping[str, float]) -> str:
    """The settings in words."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items())
