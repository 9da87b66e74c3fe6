"""The command `rtt2vec-build`: its commands put together, and refusals shown as one message."""

import sys

import typer

from index_builder.cli.build import build
from index_builder.cli.encode import encode
from index_builder.cli.evaluate import evaluate
from index_builder.cli.fold_in import fold_in
from index_builder.cli.options import console
from index_builder.cli.publish_profiles import publish_profiles
from index_builder.cli.recommend import recommend
from index_builder.cli.rules import rules
from index_builder.cli.sample_requests import sample_requests
from index_builder.embeddings.embeddings import TrainingError
from index_builder.index.tuning import IndexRecallError
from index_builder.transactions.errors import DataError
from index_builder.validation.publish_gate import PublishGateError
from service.bundle.errors import BundleError
from service.business_rules.errors import RulesError
from service.profiles.store.errors import ProfileStoreError
from service.retrieval import RetrievalError
from service.support.extras import ExtraMissingError

_REFUSALS = (
    BundleError,
    DataError,
    ExtraMissingError,
    IndexRecallError,
    OSError,  # a file or directory that cannot be written
    ProfileStoreError,
    PublishGateError,
    RetrievalError,
    RulesError,
    TrainingError,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
app.callback(invoke_without_command=True)(build)
app.command()(encode)
app.command()(evaluate)
app.command()(recommend)
app.command("fold-in")(fold_in)
app.command("sample-requests")(sample_requests)
app.command()(rules)
app.command("publish-profiles")(publish_profiles)


def main() -> None:
    """Runs the command; a refusal is one message and exit status 1."""
    try:
        app()
    except _REFUSALS as error:
        console.print(f"[red]{type(error).__name__}[/]", highlight=False)
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
