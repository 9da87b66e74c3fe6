"""The options that tell how a build learns."""

from pathlib import Path
from typing import Annotated

import typer

from index_builder.cli.options import SeedOption, grouped, rules_options
from index_builder.config import (
    AssociationRulesConfig,
    Backend,
    BuildConfig,
    IndexConfig,
    Objective,
    RankerConfig,
    TrainConfig,
)

_TRAIN, _INDEX, _BUILD = TrainConfig(), IndexConfig(), BuildConfig()


def _train(
    dimension: Annotated[
        int, typer.Option(help="Length of the vectors.", min=1)
    ] = _TRAIN.dimension,
    negatives: Annotated[
        int, typer.Option(help="Noise samples per term of triple2vec.", min=1)
    ] = _TRAIN.negatives,
    objective: Annotated[
        Objective, typer.Option(help="What training maximises.")
    ] = _TRAIN.objective,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Most times that each line of the baskets is used. "
            "[default: 5; for triple2vec 20]",
            min=1,
        ),
    ] = None,
    max_triples: Annotated[
        int | None,
        typer.Option(
            help="Ends training after so many triples, whatever --epochs says; basket completion "
            "after so many lines of baskets, each counted as often as it is used.",
            min=1,
        ),
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            help="Folder where training keeps its state, to go on from there if it is killed."
        ),
    ] = None,
    threads: Annotated[int, typer.Option(help="Training threads.", min=1)] = _TRAIN.threads,
    seed: SeedOption = _TRAIN.seed,
) -> TrainConfig:
    return TrainConfig(
        objective=objective,
        dimension=dimension,
        negatives=negatives,
        epochs=epochs,
        max_triples=max_triples,
        checkpoints=checkpoints,
        threads=threads,
        seed=seed,
    )


def _index(
    backend: Annotated[Backend, typer.Option(help="Retrieval backend.")] = _INDEX.backend,
    index_parameter: Annotated[
        list[str] | None, typer.Option(help="name=number, for the index; may be repeated.")
    ] = None,
) -> IndexConfig:
    return IndexConfig(backend=backend, parameters=_numbers(index_parameter or []))


def _numbers(pairs: list[str]) -> dict[str, int]:
    """Reads `name=number` pairs."""
    try:
        return {name: int(value) for name, value in (pair.split("=") for pair in pairs)}
    except ValueError as error:
        raise typer.BadParameter(f"expected name=number, found {pairs}") from error


@grouped(train=_train, index=_index, rules=rules_options)
def build_options(
    *,
    min_item_baskets: Annotated[
        int, typer.Option(help="Baskets an item needs to be recommended.", min=1)
    ] = _BUILD.min_item_baskets,
    train: TrainConfig,
    index: IndexConfig,
    new_items: Annotated[
        bool,
        typer.Option("--new-items", help="Take products without enough purchases in as well."),
    ] = False,
    ranker: Annotated[bool, typer.Option(help="Whether to train a ranker.")] = True,
    rules: AssociationRulesConfig,
) -> BuildConfig:
    """The settings of a build."""
    return BuildConfig(
        min_item_baskets=min_item_baskets,
        new_items=new_items,
        train=train,
        index=index,
        ranker=RankerConfig(enabled=ranker),
        rules=rules,
    )
