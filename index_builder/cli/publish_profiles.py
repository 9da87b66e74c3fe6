"""`rtt2vec-build publish-profiles`: a bundle's profiles to the servers that keep them."""

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
    """Put the profiles of a bundle on memcached, and see that they are there.

    Those that memcached finds too large (-I, 1 MB by default) are left to the bundle. Those of
    other bundles stay until memcached needs the room.
    """
    need("memcached", "publish-profiles")
    # Here and not above: no other command needs a client of memcached.
    from index_builder.bundle import profile_publishing

    published = profile_publishing.publish_profiles(load_bundle(bundle), memcached)
    megabytes = f"{published.size_bytes / 1e6:.1f} MB"
    console.print(f"[green]✓[/] {published.profiles:,} profiles, {megabytes}, on {memcached}")
    if published.too_large:
        remedy = "memcached -I sets what one may take"
        console.print(f"{published.too_large:,} too large, the bundle answers for them: {remedy}")
