"""Styles without colours keep what the colours said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color
from rich.style import Style
from textual._ansi_theme import MONOKAI

from llmdesk.tui.colours import colourless

DARK, LIGHT = 0.08, 0.97

COLOURS = st.one_of(
    st.none(),
    st.just(Color.default()),
    st.integers(0, 255).map(Color.from_ansi),
    st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: Color.from_rgb(*rgb)),
)


@given(COLOURS, COLOURS, st.booleans(), st.booleans(), st.sampled_from([DARK, LIGHT]))
def test_no_colour_is_left_and_every_attribute_stays(
    front: Color | None, back: Color | None, bold: bool, underline: bool, ground: float
) -> None:
    style = colourless(Style(color=front, bgcolor=back, bold=bold, underline=underline), ground, MONOKAI)
    assert style.color is None
    assert style.bgcolor is None
    assert bool(style.bold) == bold
    assert bool(style.underline) == underline


@pytest.mark.parametrize(
    ("front", "back", "ground", "reverse", "dim"),
    [
        ("#c8d3f5", "#12141f", DARK, None, None),  # text
        ("#000000", "#7aa2f7", DARK, True, None),  # what is chosen
        ("#8890aa", "#12141f", DARK, None, None),  # muted, and still well to be read
        ("#505870", "#12141f", DARK, None, True),  # what stands beside the point
        ("#c8d3f5", "#232842", DARK, None, None),  # a bar
        ("#ffffff", "#2459b3", LIGHT, True, None),
        ("#22252e", "#e2dfd6", LIGHT, None, None),
    ],
)
def test_what_was_marked_is_reversed_and_what_was_faint_is_dim(
    front: str, back: str, ground: float, reverse: bool | None, dim: bool | None
) -> None:
    style = colourless(Style(color=front, bgcolor=back), ground, MONOKAI)
    assert (style.reverse, style.dim) == (reverse, dim)
