"""Arrays that cannot be written."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

_Number = TypeVar("_Number", bound=np.generic)


def read_only(array: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Return a view of an array that cannot be written.

    The mapped arrays of a bundle cannot either.
    """
    view = array.view()
    view.flags.writeable = False
    return view
