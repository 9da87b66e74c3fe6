"""What the service drags in: nothing that only the builder needs."""

import subprocess
import sys

BUILDER_ONLY = {
    *("index_builder", "polars", "pandas", "sklearn", "torch", "gensim", "lightgbm"),
    *("typer", "rich", "nmslib"),
}
ONLY_IF_SWITCHED_ON = {"limits"}


def test_the_app_imports_nothing_that_only_the_builder_needs() -> None:
    code = "import service.app, service.cli, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "service" in loaded
    assert loaded.isdisjoint(BUILDER_ONLY), loaded & BUILDER_ONLY
    assert loaded.isdisjoint(ONLY_IF_SWITCHED_ON), loaded & ONLY_IF_SWITCHED_ON
