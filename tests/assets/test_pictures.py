"""The pictures of the README and the tour: all are shown, need nothing from elsewhere, and their scenes still play."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.segment import Segment
from rich.style import Style

from assets import scenes
from assets.drawing import WIDE, Drawing, row_of
from assets.make import PICTURES

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "assets").glob("*.svg"))
LARGEST = 1_500_000
"""Of a picture in a README, bytes."""

PAGES = (ROOT / "README.md", ROOT / "docs" / "tour.md")
_SHOWN = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?:\.\./)?(?P<path>assets/[^)]+)\)")
SVG = "{http://www.w3.org/2000/svg}"


def test_every_picture_is_shown_with_words_for_those_who_do_not_see_it() -> None:
    shown = {found["path"]: found["alt"] for page in PAGES for found in _SHOWN.finditer(page.read_text("utf-8"))}

    assert set(shown) == {f"assets/{name}.svg" for name in PICTURES}
    assert set(shown) == {f"assets/{path.name}" for path in FILES}
    assert all(len(alt) > 20 for alt in shown.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_picture_needs_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    root = ET.fromstring(text)

    assert len(text) < LARGEST
    assert root.find(f"{SVG}title") is not None
    assert "monospace" in text
    assert set(re.findall(r"https?://[^\"'<) ]*", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|@import|@font-face|url\(", text)


def words_at(svg: str) -> dict[int, str]:
    """The texts of a picture of one row, by the column they begin at."""
    return {round(float(each.get("x", "")) / WIDE): each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}text")}


def test_words_begin_at_their_columns_and_blocks_are_shapes() -> None:
    bold = Style(bold=True, color="red")
    row = row_of([Segment("ab  c d"), Segment("漢<&", bold), Segment("▓▓ │x")], "#ffffff", "#000000")

    svg = Drawing(20, 1, paper="#000000").picture([row], "a <title>")

    assert words_at(svg) == {0: "ab", 4: "c d", 7: "漢<&", 15: "x"}
    assert "▓" not in svg
    assert "│" not in svg
    assert "font-weight:bold" in svg


def test_a_film_shows_each_row_once_and_every_screen_at_its_time() -> None:
    one, two = (row_of([Segment(text)], "#ffffff", "#000000") for text in ("first", "second"))

    svg = Drawing(10, 2, paper="#000000").film([(0.0, (one, two)), (1.0, (two, two))], "film", length_s=4.0)

    root = ET.fromstring(svg)
    assert [each.text for each in root.iter(f"{SVG}text")] == ["first", "second"]
    assert [use.get("href") for use in root.iter(f"{SVG}use")] == ["#r0", "#r1", "#r1", "#r1"]
    assert "0.000%{transform:translateX(0px)}25.000%{transform:translateX(-84px)}" in svg
    assert "prefers-reduced-motion" in svg


async def test_a_scene_still_plays() -> None:
    svg = await scenes.play(scenes.table, size=(80, 24), theme="daylight", title="t")

    words = [each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}text")]
    assert any("DEMO" in text for text in words)
    assert "✔ full" in words
