"""Records that each fill one line of the processor's cache."""

import numpy as np
import pytest

from service.support.arrays.cache_lines import empty_lines, line_of


@pytest.mark.parametrize("n", [1, 3, 1000])
def test_each_record_begins_a_line_and_keeps_its_fields(n: int) -> None:
    dtype = line_of([("code", np.int32), ("share", np.float32)])
    records = empty_lines(n, dtype)
    records["code"], records["share"] = np.arange(n), 0.5
    assert records.shape == (n,)
    assert records.dtype.names == ("code", "share")
    assert records.strides == (64,)
    assert records.ctypes.data % 64 == 0
    assert records["code"].tolist() == list(range(n))
    assert set(records["share"].tolist()) <= {0.5}


def test_fields_that_need_more_than_a_line_are_refused() -> None:
    line_of([(f"field-{place}", np.float32) for place in range(16)])
    with pytest.raises(ValueError, match="64"):
        line_of([(f"field-{place}", np.float32) for place in range(17)])
