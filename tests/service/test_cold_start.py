"""A start where nothing can be written, from code that was compiled before: as in a container."""

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import sys
import tempfile
from numba.core import event

tempfile.tempdir = "/dev/null/tmp"
with event.install_recorder("numba:compile") as recorder:
    from service.app import create_app
    from service.recommending.request import RecommendRequest
    from service.settings import Settings

    app = create_app(Settings(bundle=sys.argv[1]))
    app.state.swap.start()
    served = app.state.serving.served
    assert len(served.recommender.recommend(RecommendRequest(basket=["item-1"], k=3)).items) == 3
    print(len(recorder.buffer), "compiled")
"""


def start(bundle: Path) -> str:
    """Start a service without home and temporary directory; return how much it compiled."""
    command = [sys.executable, "-c", CODE, str(bundle)]
    environment = os.environ | {"HOME": "/dev/null", "XDG_CACHE_HOME": ""}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_starts_and_answers_without_compiling(bundle_dir: Path) -> None:
    start(bundle_dir)  # in a fresh checkout this one compiles, as the building of an image does
    assert start(bundle_dir) == "0 compiled\n"
