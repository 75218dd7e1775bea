"""CSV that spreadsheets and pandas read as it is, and never as a formula."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.cli.csv_cells import csv_line, harmless

STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_a_spreadsheet_sees_it(cell: str) -> str:
    """What is left of a cell when marks that nobody sees, spaces and quotation marks before it are passed over."""
    return re.sub(r"^[\s'\"`\u00ad\u034f\u180e\u200b-\u200f\u2060-\u206f\ufeff]*", "", cell)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-2", "'-2"),
        ("@cf/meta/llama", "'@cf/meta/llama"),
        ("  =1", "'  =1"),
        ("\t=1", "' =1"),
        ("\r=1", "' =1"),
        ('"=1', "'\"=1"),
        ("'=1", "''=1"),
        ("\uff1d1", "'\uff1d1"),
        ("\u200b=1", "\ufffd=1"),
        ("a;=1", "a;'=1"),
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("1-2", "1-2"),
        ("'quoted'", "'quoted'"),
        ("two\nlines\r\nthree", "two lines three"),
        ("\x1b[2J", "\u241b[2J"),
        ("", ""),
    ],
)
def test_text_is_one_line_that_begins_no_formula(text: str, cell: str) -> None:
    assert harmless(text) == cell


@given(st.text(st.sampled_from("=+-@ \t\r\n;'\"\u200b\uff1da1\ufeff\x00\u00ad")))
def test_no_text_whatever_begins_a_formula(text: str) -> None:
    cell = harmless(text)
    assert cell.startswith("'") or not as_a_spreadsheet_sees_it(cell).startswith(STARTS)
    assert not [char for char in cell if unicodedata.category(char) == "Cc"]
    for piece in cell.split(";"):
        assert piece.startswith("'") or not as_a_spreadsheet_sees_it(piece).startswith(STARTS)


@given(st.text(st.characters(exclude_characters=";", exclude_categories=["Cs"])))
def test_a_guard_can_be_taken_off_again(text: str) -> None:
    cell = harmless(text)
    bare = cell[1:] if cell.startswith("'") and as_a_spreadsheet_sees_it(cell).startswith(STARTS) else cell
    assert harmless(bare) == cell


@given(st.lists(st.one_of(st.text(), st.integers(), st.none(), st.booleans()), min_size=2))
def test_a_line_is_read_back_cell_by_cell(values: list[object]) -> None:
    line = csv_line(values)
    assert line.endswith("\r\n")
    (cells,) = csv.reader(io.StringIO(line, newline=""), "excel")
    kept = {None: "", True: "true", False: "false"}
    for cell, value in zip(cells, values, strict=True):
        match value:
            case None | bool():
                assert cell == kept[value]
            case int():
                assert int(cell) == value
            case _:
                assert cell == harmless(str(value))


def test_numbers_stay_numbers() -> None:
    assert csv_line([-1, -0.5, "0.0034", 1e21, None, True]) == "-1,-0.5,0.0034,1e+21,,true\r\n"
