"""Samples become one table: they are read, laid beside each other, held to aims, and told with their growth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.judging import page
from benchmarks.judging.figures import FIGURES, Beside, Figure, Level, Limit, Plus, Ratio, figures_of
from benchmarks.judging.growth import named, per_ten
from benchmarks.judging.rows import HEAD, judge, markdown, rows_of, words
from benchmarks.judging.samples import OURS, Failure, Sample, Trial, from_line, to_line
from benchmarks.running.parts import MORE, PARTS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.judging.rows import Row

FIGURE = Figure(
    key="time", part="start", label="a time", unit="ms", beside=(Beside(of=("floor",), aim=Ratio(most=1.5)),)
)


def table(figure: Figure, *told: Sample | Failure) -> list[Row]:
    return rows_of([figure], {"start": told})


def times(*values: float, of: str = OURS, size: int | None = None) -> list[Sample]:
    return [Sample(figure="time", of=of, value=value, size=size) for value in values]


# --- samples ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [
        Sample(figure="time", value=1.25),
        Sample(figure="time", value=3, of="floor", size=200),
        Failure(why="it did not start", of="elia"),
        Trial(trial="cut", of="llmdesk", kept=True, said="in a file"),
        Trial(trial="cut", of="llmdesk", kept=None),
    ],
)
def test_what_a_part_prints_is_read_as_it_was(told: Sample | Failure | Trial) -> None:
    assert from_line(to_line(told)) == told


@pytest.mark.parametrize(
    "line", ["", "text", "[]", "3", '{"figure": "time"}', '{"why": "x"}', '{"trial": "cut"}', "null"]
)
def test_a_line_that_is_no_sample_is_said_to_be_none(line: str) -> None:
    with pytest.raises(ValueError):
        from_line(line)


# --- aims -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("aim", "ours", "theirs", "met"),
    [
        (Ratio(most=1.6), 160, 100, True),
        (Ratio(most=1.6), 161, 100, False),
        (Ratio(least=0.7), 70, 100, True),
        (Ratio(least=0.7), 69, 100, False),
        (Plus(most=15), 55, 40, True),
        (Plus(most=15), 56, 40, False),
    ],
)
def test_an_aim_holds_up_to_its_limit(aim: Ratio | Plus, ours: float, theirs: float, met: bool) -> None:
    assert judge(aim, ours, theirs) is met


def test_aims_are_told_in_words() -> None:
    told = [words(aim, "ms") for aim in (Ratio(most=1 / 3), Ratio(least=0.7), Plus(most=15), Limit(most=30), Level())]
    assert told == ["≤ 0.333 x", "≥ 0.7 x", "≤ theirs + 15 ms", "≤ 30 ms", "flat (≤ 1.25 x)"]


def test_medians_are_compared_not_the_worst_round() -> None:
    (row,) = table(FIGURE, *times(100, 140, 900), *times(100, 100, 10, of="floor"))
    assert row.met is True
    assert row.cells[1:7] == ("140 (100-900) ms", "floor", "100 (10-100) ms", "1.40 x", "≤ 1.5 x", "yes")


def test_a_missed_aim_is_marked() -> None:
    (row,) = table(FIGURE, *times(151), *times(100, of="floor"))
    assert (row.met, row.cells[6]) == (False, "**no**")


def test_a_distance_is_told_where_one_is_aimed_at() -> None:
    (row,) = table(
        replace(FIGURE, beside=(Beside(of=("floor",), aim=Plus(most=15)),)), *times(50), *times(40, of="floor")
    )
    assert (row.met, row.cells[4]) == (True, "+10 ms")


def test_a_part_that_failed_misses_its_aims_and_says_why() -> None:
    (row,) = table(FIGURE, *times(100, of="floor"), Failure(why="start ended with code 1: no terminal"))
    assert row.met is False
    assert "no terminal" in row.cells[1]


def test_a_floor_that_was_not_measured_misses_the_aim_beside_it() -> None:
    (row,) = table(FIGURE, *times(100))
    assert (row.met, row.cells[3]) == (False, "it was not measured")


RIVALS = replace(FIGURE, beside=(Beside(of=("elia", "oterm"), aim=Ratio(most=0.5), rival=True),))


def test_of_several_rivals_the_fastest_counts() -> None:
    (row,) = table(RIVALS, *times(100), *times(900, of="elia"), *times(199, of="oterm"))
    assert (row.met, row.cells[2]) == (False, "the least of elia, oterm: oterm")


def test_rivals_nobody_asked_for_are_left_out() -> None:
    (row,) = table(RIVALS, *times(100))
    assert (row.met, row.cells[2]) == (None, "-")


def test_a_rival_that_could_not_be_installed_is_said_and_misses_nothing() -> None:
    (row,) = table(RIVALS, *times(100), Failure(of="elia", why="elia could not be installed: no such version"))
    assert (row.met, row.cells[3]) == (None, "elia could not be installed: no such version")


SIZED = Figure(key="time", part="start", label="a time", unit="ms", aim=Limit(most=30), size=1_000, counted="rows")


def test_the_size_of_the_aim_is_judged_and_the_others_tell_how_it_grows() -> None:
    (row,) = table(SIZED, *times(1, size=10), *times(10, size=100), *times(31, size=1_000))
    assert (row.met, row.cells[1]) == (False, "31 ms")
    assert row.cells[7] == "rows: less than linear, 5.57 x for 10 x (10: 1; 100: 10)"


def test_another_size_than_that_of_the_aim_is_shown_but_not_judged() -> None:
    (row,) = table(SIZED, *times(99, size=10))
    assert (row.met, row.cells[0]) == (None, "a time (10 rows here)")


def test_flat_compares_the_largest_size_with_the_smallest() -> None:
    level = replace(SIZED, aim=Level())
    (flat,) = table(level, *times(4, size=10), *times(9, size=100), *times(5, size=1_000))
    (steep,) = table(level, *times(4, size=10), *times(5.1, size=1_000))
    assert (flat.met, steep.met) == (True, False)
    assert flat.cells[2:5] == ("itself at 10 rows", "4 ms", "1.25 x")


# --- growth -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "factor", "word"),
    [
        ({200: 5.0, 2_000: 5.0, 10_000: 5.0}, 1, "flat"),
        ({10: 1.0, 100: 10.0, 1_000: 100.0}, 10, "linear"),
        ({10: 1.0, 1_000: 10.0}, 3.1623, "less than linear"),
        ({10: 1.0, 100: 100.0}, 100, "more than linear"),
        ({10: 1.0, 100: 0.1}, 0.1, "falls"),
    ],
)
def test_growth_is_the_factor_for_ten_times_the_work(values: dict[int, float], factor: float, word: str) -> None:
    found = per_ten(values)
    assert found == pytest.approx(factor, rel=1e-4)
    assert named(found) == word


@pytest.mark.parametrize("values", [{}, {10: 1.0}, {10: 0.0, 100: 1.0}, {0: 1.0, 10: 1.0}])
def test_growth_needs_two_sizes_and_numbers_above_zero(values: dict[int, float]) -> None:
    assert per_ten(values) is None


# --- the table --------------------------------------------------------------------------------------------------------


def test_every_figure_belongs_to_a_part_and_says_how_it_grows() -> None:
    assert {figure.part for figure in FIGURES} <= PARTS.keys() | MORE.keys()
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)
    assert [figure.key for figure in FIGURES if not figure.grows and not figure.counted] == []
    assert all(any(figure.part == part for figure in FIGURES) for part in PARTS)


def test_aims_speak_of_parts_of_the_whole_table_only() -> None:
    aimed = [figure.part for figure in FIGURES if figure.aim or any(beside.aim for beside in figure.beside)]
    assert set(aimed) <= set(PARTS)


def test_every_row_has_every_column() -> None:
    lines = markdown(rows_of(figures_of(list(PARTS)), {part: [] for part in PARTS})).splitlines()
    assert {line.count(" | ") for line in lines if not line.startswith("| ---")} == {len(HEAD) - 1}


def test_a_cell_cannot_break_the_table() -> None:
    (row,) = table(FIGURE, Failure(why="a | b\nc"))
    assert len(markdown([row]).splitlines()) == 3
    assert "a \\| b c" in markdown([row])


def test_the_table_is_written_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(f"# Before\n\n{page.BEGIN}\nold\n{page.END}\n\nAfter.\n")
    page.write(file, "| new |")
    page.write(file, "| newer |")
    assert file.read_text() == f"# Before\n\n{page.BEGIN}\n\n| newer |\n\n{page.END}\n\nAfter.\n"


@pytest.mark.parametrize("text", ["", page.BEGIN, page.END + page.BEGIN, f"{page.BEGIN}{page.END}{page.BEGIN}"])
def test_a_page_without_one_pair_of_marks_is_left_alone(text: str, tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(text)
    with pytest.raises(ValueError):
        page.write(file, "| new |")
    assert file.read_text() == text
