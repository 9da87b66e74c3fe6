"""Labels of a picture: none covers another."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from index_builder.evaluation.pictures.drawing import picture
from index_builder.evaluation.pictures.labels import label_ends, label_points


@pytest.fixture
def axes() -> Axes:
    figure = Figure(figsize=(6, 4))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    return axes


def boxes(axes: Axes) -> list[Bbox]:
    figure = axes.figure
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    return [Text.get_window_extent(text) for text in axes.texts]


def assert_apart(boxes: list[Bbox]) -> None:
    assert not any(Bbox.intersection(a, b) for a, b in combinations(boxes, 2))


def test_lines_that_end_together_are_named_one_above_the_other(axes: Axes) -> None:
    ends = {"first": 0.5, "second": 0.5, "third": 0.51, "far below": 0.1}
    label_ends(axes, ends, dict.fromkeys(ends, "black"))
    assert_apart(boxes(axes))
    heights = {text.get_text(): text.xy[1] for text in axes.texts if isinstance(text, Annotation)}
    assert heights["far below"] == 0.1
    assert np.mean([heights[name] for name in ("first", "second", "third")]) == pytest.approx(
        (0.5 + 0.5 + 0.51) / 3
    )
    assert heights["third"] > max(heights["first"], heights["second"])


def test_a_point_alone_is_named_at_its_right(axes: Axes) -> None:
    label_points(axes, {"name": (0.5, 0.5)}, {"name": "black"}, 8)
    (box,) = boxes(axes)
    x, y = axes.transData.transform((0.5, 0.5))
    assert x < box.x0 < x + 20
    assert box.y0 < y < box.y1


def test_a_point_at_the_right_edge_is_named_at_its_left(axes: Axes) -> None:
    label_points(axes, {"a rather long name": (0.99, 0.5)}, {"a rather long name": "black"}, 8)
    (box,) = boxes(axes)
    assert box.x1 < axes.transData.transform((0.99, 0.5))[0]


@settings(max_examples=20)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5))
def test_names_of_a_few_points_are_apart(places: list[tuple[float, float]]) -> None:
    figure = Figure(figsize=(6, 4))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    points = {f"method {number}": place for number, place in enumerate(places)}
    label_points(axes, points, dict.fromkeys(points, "black"), 8)
    assert_apart(boxes(axes))


def test_a_picture_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        with picture(tmp_path / name, 4, 3) as figure:
            figure.subplots().plot((0, 1), (0, 1))
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
