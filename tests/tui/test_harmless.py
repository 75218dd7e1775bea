"""The last net: whatever a widget forgets, nothing that steers a terminal is painted."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.strip import Strip
from textual.widget import Widget

from llmdesk.core.text import STEERING
from llmdesk.tui.app import DeskApp
from llmdesk.tui.harmless import Harmless
from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated

BLACK = Color(0, 0, 0)
RED = Style(color="red")


def painted(text: str) -> str:
    return "".join(segment.text for segment in Harmless().apply([Segment("a ", RED), Segment(text, RED)], BLACK))


def test_every_character_that_steers_is_left_out_and_the_line_keeps_its_width() -> None:
    for char in STEERING | {"\n", "\t"}:
        shown = painted(f"b{char}c")
        assert char not in shown
        assert cell_len(shown) == cell_len(f"a b{char}c")


def test_what_is_harmless_stays_as_it_is() -> None:
    segments = [Segment("größer 漢字 👩\u200d👩 e\u0301 \u3000\xa0", RED)]
    assert Harmless().apply(segments, BLACK) == segments
    assert painted("e" + "\u0301\u0489" * 30) == "a e" + "\u0301\u0489" * 4
    plain = [Segment("plain", RED)]
    assert Harmless().apply(plain, BLACK) is plain


class Forgetful(Widget):
    """A widget that hands on whatever it gets."""

    def render_line(self, y: int) -> Strip:
        return Strip([Segment("x\x1b[2Jy\x9b31mz", RED)]).adjust_cell_length(self.size.width)


async def test_a_widget_that_forgets_it_is_caught() -> None:
    async with seated(FakeDesk()) as seat:
        assert isinstance(seat.app, DeskApp)
        await seat.app.chat.mount(Forgetful())
        text = await seat.see(r"x\[2Jy31mz")
        assert not STEERING & set(text)


async def test_without_the_net_the_same_widget_would_steer() -> None:
    class Bare(App[None]):
        def compose(self):  # type: ignore[no-untyped-def]
            yield Forgetful()

    async with Bare().run_test() as pilot:
        await pilot.pause()
        strips = pilot.app.screen._compositor.render_strips()
        assert any("\x1b" in strip.text for strip in strips)
