"""What the service drags in: nothing that only the builder needs."""

import subprocess
import sys

BUILDER_ONLY = {
    *("index_builder", "polars", "pandas", "sklearn", "torch", "gensim", "lightgbm"),
    *("typer", "rich", "nmslib"),
}
ONLY_IF_SWITCHED_ON = {"opentelemetry.sdk", "throttled", "pymemcache"}


def test_the_app_imports_nothing_that_only_the_builder_needs() -> None:
    code = "import service.app, service.cli.main, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    loaded = {name.partition(".")[0] for name in modules}
    assert "service" in loaded
    assert loaded.isdisjoint(BUILDER_ONLY), loaded & BUILDER_ONLY
    assert modules.isdisjoint(ONLY_IF_SWITCHED_ON), modules & ONLY_IF_SWITCHED_ON
