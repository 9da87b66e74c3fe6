"""The category cap, against a plain reference written from its definition."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.recommending.postprocess.category_cap import cap_categories

code_lists = st.lists(st.integers(-1, 4), max_size=30)


@given(code_lists, st.integers(0, 5))
def test_the_cap_keeps_the_first_places_of_each_category(codes: list[int], cap: int) -> None:
    seen: Counter[int] = Counter()
    expected = []
    for code in codes:
        seen[code] += 1
        expected.append(cap == 0 or code < 0 or seen[code] <= cap)
    assert cap_categories(np.array(codes, np.int32), cap).tolist() == expected
