from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.tui.bars import COLUMNS, LEFT, RESERVED, SPENT, bar, cells, sparkline
from llmdesk.tui.plots import Axis, Point, bars, beside, columns

shares = st.floats(-1, 3, allow_nan=False)
values = st.none() | st.floats(0, 1e12, allow_nan=False)
points = st.lists(st.builds(Point, value=values, top=values), max_size=60)
AXIS = Axis(title="tokens/s", figure=lambda value: f"{value:.0f}", first="22 Oct", last="21 Nov")


@given(shares, st.integers(0, 80))
def test_only_nothing_fills_none_and_only_all_of_it_fills_all(share: float, width: int) -> None:
    filled = cells(share, width)
    assert 0 <= filled <= width
    assert (filled == 0) == (share <= 0 or width == 0)
    if width > 1:
        assert (filled == width) == (share >= 1)


@given(shares, st.floats(0, 3), st.integers(0, 80))
def test_a_bar_is_as_wide_as_it_was_asked_to_be(share: float, reserved: float, width: int) -> None:
    drawn = bar(share, width, style="$success", reserved=reserved).plain
    assert len(drawn) == width
    assert drawn == "".join(sorted(drawn, key=(SPENT + RESERVED + LEFT).index))


def test_a_bar_shows_what_is_set_aside_behind_what_is_spent() -> None:
    assert bar(0.5, 10, style="$success", reserved=0.2).plain == "▓▓▓▓▓▒▒░░░"
    assert bar(0.999, 10, style="$success").plain == "▓▓▓▓▓▓▓▓▓░"
    assert bar(0.001, 10, style="$success").plain == "▓░░░░░░░░░"


def test_a_line_of_speeds_goes_from_the_lowest_to_the_highest() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([9, 9, 1, 3, 2], 3) == "▁█▅"
    assert sparkline([41.0, 41.0], 8) == "▄▄"
    assert sparkline([], 8) == ""


@given(st.lists(st.floats(0, 1e9), max_size=20), st.integers(0, 12))
def test_a_line_of_speeds_fits(speeds: list[float], width: int) -> None:
    line = sparkline(speeds, width)
    assert len(line) == min(len(speeds), width)
    assert set(line) <= set(COLUMNS[1:])


@given(points, st.integers(10, 130), st.integers(1, 8))
def test_every_line_of_a_plot_is_as_wide_as_the_plot(found: list[Point], width: int, rows: int) -> None:
    lines = columns(AXIS, found, width=width, rows=rows, style="$primary")
    assert [line.cell_length for line in lines] == [width] * (rows + 2)


def test_a_plot_has_its_scale_its_times_and_both_values() -> None:
    found = [Point(value=10, top=20), Point(), Point(value=20, top=20), Point(value=0.1)]
    assert [line.plain.rstrip() for line in columns(AXIS, found, width=40, rows=2, style="$primary")] == [
        "tokens/s",
        "    20│░░░░      ████",
        "      │████      ████ ▁▁▁▁",
        "     0└22 Oct ────── 21 Nov",
    ]


def test_a_month_of_days_has_a_column_each_on_an_ordinary_screen() -> None:
    found = [Point(value=float(at % 2)) for at in range(31)]
    line = columns(AXIS, found, width=38, rows=1, style="$primary")[1].plain
    assert line == "     1│" + " █" * 15 + " "


def test_more_points_than_columns_keep_their_highest() -> None:
    found = [Point(value=1.0)] * 99 + [Point(value=8.0)]
    line = columns(AXIS, found, width=27, rows=1, style="$primary")[1].plain
    assert line.rstrip() == "     8│" + "▁" * 19 + "█"


def test_a_plot_of_nothing_is_empty() -> None:
    lines = columns(AXIS, [Point()] * 5, width=40, rows=2, style="$primary")
    assert [line.plain.strip() for line in lines[1:3]] == ["│", "│"]


def test_counts_are_bars_from_the_most_to_the_fewest_and_the_rest_is_counted() -> None:
    lines = bars("errors", {"b": 1, "rate limited": 8, "c": 1, "d": 1}, width=30, rows=2, style="$error", none="none")
    assert [line.plain.rstrip() for line in lines] == [
        "errors",
        "rate limited ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓ 8",
        "b            ▓▓ 1",
        "and 2 more kinds: 2",
    ]
    assert "none" in bars("errors", {}, width=30, rows=2, style="$error", none="none")[1].plain


@given(st.dictionaries(st.text(max_size=30), st.integers(1, 10**9), max_size=8), st.integers(12, 90))
def test_counts_never_leave_their_block(counts: dict[str, int], width: int) -> None:
    lines = bars("errors", counts, width=width, rows=4, style="$error", none="none")
    assert [line.cell_length for line in lines] == [width] * 6


@pytest.mark.parametrize("width", [20, 38])
def test_two_blocks_stand_side_by_side(width: int) -> None:
    left = columns(AXIS, [Point(value=1)], width=width, rows=3, style="$primary")
    right = bars("errors", {"rate": 1}, width=width, rows=3, style="$error", none="none")
    assert [line.cell_length for line in beside(left, right, gap=2)] == [2 * width + 2] * 5
