"""`llmdesk serve` in a real browser: keys arrive, answers are painted, nothing is loaded from elsewhere.

Run with ``pytest -m browser``; ``LLMDESK_TEST_CHROMIUM`` names the browser where it is not on the path, and
``LLMDESK_TEST_PICTURES`` a folder for what it painted.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser_page import serving
from tests.support.chromium import CTRL, find_chromium, tab_at
from tests.support.exec_world import exec_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.chromium import Tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CHROMIUM, PICTURES = find_chromium(), os.environ.get("LLMDESK_TEST_PICTURES")
"""Asked for when this is loaded: a test sees no variable of llmdesk's."""

COLUMNS, ROWS = 160, 60
"""More than fits into the window that the browser is given: the desk paints cell by cell, and none is missed."""


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    assert CHROMIUM is not None, "No Chromium on the path; name one in LLMDESK_TEST_CHROMIUM."
    world = exec_world(tmp_path / "home")
    world.environment.pop("NO_COLOR")
    async with (
        serving(world, "--demo") as server,
        tab_at(CHROMIUM, f"{server.url}/", columns=COLUMNS, rows=ROWS) as tab,
    ):
        await tab.see("7 reviewer")
        yield tab
        assert {url.split("/")[2] for url in tab.asked} == {server.host}
        assert tab.refused == []


async def test_a_prompt_is_typed_answered_and_painted(tab: Tab) -> None:
    await tab.type("hello from a browser")
    await tab.press("Enter")
    text = await tab.see("✔ full")
    assert "hello from a browser" in text
    picture = await tab.picture()
    _keep("answer", picture)
    assert _colours(picture) > 20


async def test_a_lane_is_switched_and_a_panel_opened(tab: Tab) -> None:
    await tab.press("PageDown", modifiers=CTRL)
    await tab.see("2 codegen ─")
    await tab.press("F6")
    await tab.see("failovers")
    _keep("failovers", await tab.picture())
    await tab.press("Escape")
    await tab.see("2 codegen ─")


async def test_a_desk_that_is_left_says_so_on_the_page(tab: Tab) -> None:
    await tab.type("/quit")
    await tab.press("Enter")
    while not await tab.value_of("document.body.classList.contains('-closed')"):
        pass
    shown = await tab.value_of("getComputedStyle(document.querySelector('.closed')).display")
    _keep("closed", await tab.picture())
    assert shown == "flex"


def _keep(name: str, picture: bytes) -> None:
    if PICTURES:
        (Path(PICTURES) / f"{name}.png").write_bytes(picture)


def _colours(png: bytes) -> int:
    """How many different runs of three bytes a picture's rows hold: a blank page has a handful."""
    data, at, body = png, 8, b""
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            body += data[at + 8 : at + 8 + size]
        at += size + 12
    pixels = zlib.decompress(body)
    return len({pixels[i : i + 3] for i in range(0, len(pixels), 3)})
