"""Levels of processors, for which an image compiles: it is built on one machine and runs on others.

Elsewhere loops are compiled for the processor at hand, which makes them somewhat faster.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

from llvmlite import binding

# The levels of each machine, best first, by LLVM's names, with LLVM's names of their features. A
# level of x86-64 includes those below it (System V psABI): 3 is AVX2, 4 is AVX-512.
_LEVEL_3 = (
    *("avx", "avx2", "bmi", "bmi2", "cx16", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sahf"),
    *("sse3", "sse4.1", "sse4.2", "ssse3", "xsave"),
)
_LEVEL_4 = (*_LEVEL_3, "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl")
_LEVELS: dict[str, dict[str, tuple[str, ...]]] = {
    "x86_64": {"x86-64-v4": _LEVEL_4, "x86-64-v3": _LEVEL_3},
    "aarch64": {"generic": ()},
}

_COMPILED = Path(__file__).with_name("processor_levels.txt")


def main() -> None:
    """Compile all loops of the service for each level of this machine, and leave a note of it."""
    levels = _LEVELS.get(platform.machine(), {})
    for level in levels:
        subprocess.run(
            [sys.executable, "-c", "import service.app"],
            env=os.environ | {"NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": ""},
            check=True,
        )
    _COMPILED.write_text("\n".join(levels))


def compiled_level() -> str | None:
    """Return the best level that this processor has and that `main` compiled for, if any."""
    if not _COMPILED.exists():
        return None
    here = binding.get_host_cpu_features()
    for level in _COMPILED.read_text().split():
        if all(here.get(feature) for feature in _LEVELS[platform.machine()][level]):
            return level
    return None


if __name__ == "__main__":
    main()
