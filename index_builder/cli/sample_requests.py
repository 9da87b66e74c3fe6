"""`rtt2vec-build sample-requests`: held-out baskets as request bodies, for load tests."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from index_builder.cli.held_out_baskets import read_held_out
from index_builder.cli.options import (
    BundleOption,
    SeedOption,
    console,
    grouped,
    source_options,
)
from index_builder.cli.reading_options import reading_options
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Source
from service.settings import Settings
from service.support.files import replacing, try_to_write


@grouped(source=source_options, reading=reading_options)
def sample_requests(
    *,
    requests: Annotated[Path, typer.Option(help="File to write, one request per line.")],
    source: Source,
    bundle: BundleOption = Path("bundles"),
    seed: SeedOption = 0,
    limit: Annotated[int, typer.Option(help="At most so many requests.", min=1)] = 5000,
    reading: Reading,
) -> None:
    """Write the inputs of real held-out baskets as bodies of POST /recommend, for load tests."""
    try_to_write(requests)
    loaded, _, baskets = read_held_out(source, reading, bundle, seed, limit)
    basket_limit = Settings.model_fields["basket_limit"].default
    baskets = [basket for basket in baskets if len(basket.given) <= basket_limit]
    with replacing(requests) as new, new.open("w") as file:
        for basket in baskets:
            given = [loaded.catalogue.item_ids[item] for item in basket.given]
            body = {"user_id": loaded.user_ids[basket.user], "basket": given, "k": 20}
            file.write(json.dumps(body) + "\n")
    console.print(f"{len(baskets):,} requests in {escape(str(requests))}", soft_wrap=True)
