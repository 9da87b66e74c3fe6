"""The held-out baskets that `evaluate` and `sample-requests` read."""

from pathlib import Path

from index_builder.transactions.encoded.encoding import encode_baskets
from index_builder.transactions.encoded.held_out import HeldOut, held_out
from index_builder.transactions.errors import NoHeldOutBasketsError
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Source, read_source
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import Bundle, load_bundle
from service.support.forgotten_users import ForgottenUsers


def read_held_out(
    source: Source, reading: Reading, bundle: Path, seed: int, limit: int | None
) -> tuple[Bundle, Transactions, list[HeldOut]]:
    """Reads a bundle, all transactions, and the baskets that began after the bundle's cut.

    Args:
        source: of the transactions.
        reading: what is known of the data.
        bundle: a bundle, or a directory of bundles.
        seed: of the split of each basket, and of the sample.
        limit: at most so many baskets.

    Raises:
        NoHeldOutBasketsError: no basket of 5 known items began after the cut.
        DataError: the transactions cannot be used.
        BundleError: the bundle cannot be used.
    """
    loaded = load_bundle(bundle)
    table, _ = read_source(source, reading)
    later = table.since(loaded.manifest.cut).without(ForgottenUsers.beside(bundle).now())
    # Not the folded-in users: these very baskets may be part of their histories.
    trained = loaded.user_ids[: loaded.n_trained_users]
    rows = {user_id: row for row, user_id in enumerate(trained)}
    encoded = encode_baskets(later, loaded.catalogue.index, rows)
    baskets = held_out(encoded, seed, limit)
    if not baskets:
        raise NoHeldOutBasketsError(
            f"{loaded.path}: expected baskets of 5 known items or more that began at "
            f"{loaded.manifest.as_of} or later, found none. "
            "Build with --until, a moment before the end of the transactions."
        )
    return loaded, table, baskets
