"""Code for levels of processors, which an image ships: the best that the processor at hand has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
AVX2 = [
    *("avx", "avx2", "bmi", "bmi2", "cx16", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sahf"),
    *("sse3", "sse4.1", "sse4.2", "ssse3", "xsave"),
]
AVX512 = [*AVX2, "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"]

APP = """
from service.support.compiled.compilation import compiled

@compiled()
def twice(number: int) -> int:
    return 2 * number
"""

START = """
import sys
from llvmlite import binding
from numba.core import config, event

features = binding.targets.FeatureMap(dict.fromkeys(sys.argv[1:], True))
binding.get_host_cpu_features = lambda: features
with event.install_recorder("numba:compile") as recorder:
    import service.app
print(config.CPU_NAME, sum(each.is_start for _, each in recorder.buffer))
"""


def run(package: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(package), "HOME": str(package)}
    command = [sys.executable, *arguments]
    return subprocess.check_output(command, cwd=package, env=environment, text=True)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service with one loop, as it is installed in an image."""
    root = tmp_path_factory.mktemp("installed")
    unwanted = shutil.ignore_patterns("__pycache__", "*.txt")
    shutil.copytree(ROOT / "service" / "support", root / "service" / "support", ignore=unwanted)
    (root / "service" / "__init__.py").touch()
    (root / "service" / "app.py").write_text(APP)
    run(root, "-m", "service.support.compiled.processor_levels")
    return root


@pytest.mark.parametrize(
    ("features", "level"), [([*AVX512, "gfni"], "x86-64-v4"), (AVX2, "x86-64-v3")]
)
def test_a_processor_of_a_level_compiles_nothing(
    package: Path, features: list[str], level: str
) -> None:
    assert run(package, "-c", START, *features) == f"{level} 0\n"


def test_other_processors_get_code_of_their_own(package: Path) -> None:
    lacking = [feature for feature in AVX512 if feature != "avx2"]
    assert run(package, "-c", START, *lacking) == "None 1\n"


def test_where_nothing_was_compiled_ahead_each_processor_gets_its_own(
    package: Path, tmp_path: Path
) -> None:
    shutil.copytree(package, tmp_path, dirs_exist_ok=True)
    (tmp_path / "service" / "support" / "compiled" / "processor_levels.txt").unlink()
    assert run(tmp_path, "-c", START, *AVX512) == "None 1\n"
