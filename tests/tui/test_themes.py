from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from textual.color import Color

from llmdesk.core.views import ScreenSettings
from llmdesk.paths import find_themes
from llmdesk.tui.themes import DEFAULT, SIXTEEN, load_palettes, read_palette
from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from pathlib import Path

BUILT_IN = ("midnight", "daylight", "contrast", "ansi16")


def test_the_palettes_ship_and_the_values_are_what_their_files_say() -> None:
    palettes = load_palettes(find_themes()[:1])
    assert palettes.notes == ()
    assert set(BUILT_IN) <= set(palettes.themes)
    folder = find_themes()[0]
    assert asdict(read_palette(folder / "midnight.yaml")) == asdict(DEFAULT)
    assert asdict(read_palette(folder / "ansi16.yaml")) == asdict(SIXTEEN)


def luminance(color: Color) -> float:
    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def ratio(first: str, second: str) -> float:
    """Contrast as WCAG 2.2 defines it."""
    bright, dark = sorted((luminance(Color.parse(first)), luminance(Color.parse(second))), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("name", "least"), [("midnight", 4.5), ("daylight", 4.5), ("contrast", 7.0)])
def test_every_colour_can_be_read_on_its_background(name: str, least: float) -> None:
    theme = load_palettes(find_themes()[:1]).themes[name]
    assert theme.background is not None
    for part in ("primary", "secondary", "accent", "foreground", "success", "warning", "error"):
        color = getattr(theme, part)
        assert ratio(color, theme.background) >= least, f"{part} {color}"


WRONG = (
    "",
    "[]",
    "colour: {}",
    "a: b: c",
    "colors: {}",
    "colors: {primary: nonsense}",
    "colors: {primary: '#fff', pink: '#fff'}",
    "name: [x]\ncolors: {primary: '#fff'}",
    "colors: {primary: '#fff'}\nvariables: {muted: '} Screen {'}",
    "colors: {primary: '#fff'}\nvariables: {input-cursor-text-style: 'blinking'}",
    "[" * 60_000,
    "- " * 30_000 + "x",
    "{a: " * 15_000,
    "k0: &a [x, x]\n" + "".join(f"k{n}: &a [*a, *a]\n" for n in range(1, 60)) + "? *a\n: 1\n",
)


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_palette_is_told_and_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    palettes = load_palettes([tmp_path])
    assert set(palettes.themes) == {"midnight"}
    assert len(palettes.notes) == 1
    assert palettes.notes[0].startswith("Theme mine.yaml was not taken: ")


def test_a_palette_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert load_palettes([tmp_path]).notes == ("Theme pipe.yaml was not taken: it is no file",)


def test_a_palette_of_the_users_goes_before_a_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "daylight.yaml").write_text("dark: false\ncolors: {primary: '#123456'}\n")
    palettes = load_palettes([*find_themes()[:1], tmp_path])
    assert palettes.themes["daylight"].primary == "#123456"


@pytest.mark.parametrize("name", BUILT_IN)
async def test_every_palette_can_be_worn(name: str) -> None:
    async with seated(FakeDesk(), theme=name) as seat:
        await wait_until(lambda: seat.app.theme == name)
        await seat.ask("x")
        await seat.see("✔ full")
        await seat.press("f6", "escape", "f1")


async def test_a_theme_is_changed_live_and_an_unknown_one_is_told() -> None:
    async with seated(FakeDesk(screen=ScreenSettings(theme="nope"))) as seat:
        await seat.see("no theme 'nope'")
        await seat.ask("/theme contrast")
        await wait_until(lambda: seat.app.theme == "contrast")


async def test_a_palette_of_the_users_under_the_name_of_the_default_is_worn_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "config" / "themes"
    own.mkdir(parents=True)
    shipped = (find_themes()[0] / "midnight.yaml").read_text(encoding="utf-8")
    background = DEFAULT.background
    assert background is not None
    (own / "midnight.yaml").write_text(shipped.replace(background, "#112233"), encoding="utf-8")
    monkeypatch.setenv("LLMDESK_HOME", str(tmp_path))
    async with seated(FakeDesk()) as seat:
        await wait_until(lambda: seat.app.screen.styles.background.hex == "#112233")
