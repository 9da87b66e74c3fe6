"""`rtt2vec-build publish-profiles`: the profiles of a bundle, written to memcached."""

from pathlib import Path
from typing import Annotated

import typer

from index_builder.cli.options import BundleOption, console
from service.bundle.bundle import load_bundle
from service.support.extras import need


def publish_profiles(
    memcached: Annotated[
        str,
        typer.Option(
            help="Servers, host:port, several between commas; those of rtt2vec-serve.",
            envvar="RTT2VEC_MEMCACHED",
        ),
    ],
    bundle: BundleOption = Path("bundles"),
) -> None:
    """Write the profiles of a bundle to memcached, and check that they are there.

    Profiles that are too large for memcached (-I, 1 MB by default) are left out: the service reads
    them from the bundle. Profiles of other bundles stay until memcached needs their memory.
    """
    need("memcached", "publish-profiles")
    # Here and not above: no other command needs the client of memcached.
    from index_builder.bundle import profile_publishing

    published = profile_publishing.publish_profiles(load_bundle(bundle), memcached)
    megabytes = f"{published.size_bytes / 1e6:.1f} MB"
    console.print(f"[green]✓[/] {published.profiles:,} profiles, {megabytes}, on {memcached}")
    if published.too_large:
        remedy = "memcached -I sets the limit"
        console.print(f"{published.too_large:,} too large, the bundle answers for them: {remedy}")
