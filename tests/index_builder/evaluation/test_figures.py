"""Figures as people read them."""

from math import nan

import pytest

from index_builder.evaluation.figures import change, figure, percent, signed, within
from index_builder.measuring.intervals import Interval


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2834, ".283"), (0, ".000"), (1, "1.000"), (10.5, "10.500"), (nan, "\N{EN DASH}")],
)
def test_a_share(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "+.012"), (-0.2, "-.200"), (1.5, "+1.500"), (10.5, "+10.500"), (-0.0004, "0")],
)
def test_a_difference_carries_its_sign(value: float, text: str) -> None:
    assert signed(value) == text.replace("-", "\N{MINUS SIGN}")


def test_intervals_stand_in_brackets() -> None:
    assert within(Interval(0.25, 0.2, 0.3)).replace("\N{EN DASH}", "-") == ".250 (.200-.300)"
    assert change(Interval(0.02, 0, 0.03)) == "+.020 (0 to +.030)"
    nothing = Interval(nan, nan, nan)
    assert within(nothing) == change(nothing) == "\N{EN DASH}"


def test_a_percentage() -> None:
    assert percent(0.2834) == "28.3 %"
