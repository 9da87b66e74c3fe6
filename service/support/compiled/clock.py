"""The clock that compiled loops and the code around them read."""

from time import CLOCK_MONOTONIC
from typing import Any

import numba
import numpy as np
from numba import types

_CLOCK = int(CLOCK_MONOTONIC)
_clock_gettime: Any = types.ExternalFunction(
    "clock_gettime", types.int32(types.int32, types.voidptr)
)


@numba.njit()
def seconds() -> float:
    """Seconds on the clock that `time.clock_gettime(CLOCK_MONOTONIC)` reads."""
    whole_and_billionths = np.empty(2, np.int64)
    _clock_gettime(_CLOCK, whole_and_billionths.ctypes)
    return float(whole_and_billionths[0] + 1e-9 * whole_and_billionths[1])
