"""`rtt2vec-build recommend`: recommendations for many users, written to a file."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from index_builder.bundle.recommendations import write_recommendations
from index_builder.cli.options import console, grouped
from index_builder.progress import counted
from index_builder.transactions.tables import Wanted, read_tables
from service.bundle.bundle import load_bundle
from service.business_rules.files import RuleFiles
from service.profiles.bundle_profiles import BundleProfiles
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.support.durations import MOST_DAYS
from service.support.files import replacing, try_to_write
from service.support.forgotten_users import ForgottenUsers


def _excluded(
    exclude_purchased: Annotated[
        bool,
        typer.Option("--exclude-purchased", help="Leave out what the user has bought before."),
    ] = False,
    exclude_purchased_days: Annotated[
        int | None,
        typer.Option(
            help="Leave out what was bought so many days before now.", min=1, max=MOST_DAYS
        ),
    ] = None,
) -> bool | int | None:
    return exclude_purchased_days or exclude_purchased or None


@grouped(excluded=_excluded)
def recommend(
    *,
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    users: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet with a column user_id.  [default: all of the bundle]"),
    ] = None,
    bundle: Annotated[Path, typer.Option(help="A bundle, or a directory of bundles.")] = Path(
        "bundles"
    ),
    k: Annotated[int, typer.Option(help="Recommendations for each user.", min=1, max=100)] = 20,
    rules: Annotated[Path | None, typer.Option(help="YAML file of business rules.")] = None,
    availability: Annotated[Path | None, typer.Option(help="Parquet file of the stock.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Whose rules and stock apply: a store_id.")
    ] = None,
    excluded: bool | int | None,
) -> None:
    """Write recommendations for many users, without baskets, as the service would make them.

    One row for each user and recommendation: user_id, place (from 1), item_id, name, category,
    score, and source: user, or popularity for a user that the bundle does not know.
    """
    try_to_write(out)
    loaded = load_bundle(bundle)
    forgotten = ForgottenUsers.beside(bundle).now()
    recommender = Recommender(loaded, profiles=BundleProfiles(loaded, forgotten.since))
    rule_files = RuleFiles(loaded.catalogue, rules, availability)
    for warning in rule_files.warnings:
        console.print(warning, markup=False, highlight=False, soft_wrap=True)
    if users is None:
        asked = [user for user in loaded.user_ids if forgotten.since(user) is None]
    else:
        table = read_tables(users, Wanted(("user_id",)), lambda each: each.with_ids("user_id"))
        asked = table.frame["user_id"].unique(maintain_order=True).to_list()
    request = RecommendRequest(k=k, store_id=store, exclude_purchased=excluded)
    with replacing(out) as new:
        made = write_recommendations(new, recommender, asked, request, rule_files.rulebook)
        sources = Counter(counted(console, "Recommending", made, len(asked)))
    strangers = sources["popularity"]
    without = f"; {strangers:,} of them without a known purchase: best sellers" if strangers else ""
    console.print(f"{len(asked):,} users in {out}{without}", markup=False, soft_wrap=True)
