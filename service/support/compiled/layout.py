"""Layout: what the annotation of an array leaves open, for compiled loops."""

from typing import Any, NamedTuple

import numpy as np


class Layout(NamedTuple):
    """Of an array, as `Annotated[Float32, Layout(axes=2)]`; arrays are contiguous.

    Attributes:
        axes: their number.
        written: whether the loop writes to it; others may be read-only, as a bundle's are.
        dtype: of the elements, where they are records.
    """

    axes: int = 1
    written: bool = False
    dtype: "np.dtype[Any] | None" = None
