"""Images in a conversation: drawn in cells where the terminal can, told by name where not, and never a crash."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.color import Color
from textual.geometry import Offset

from llmdesk.core.types import Role
from llmdesk.core.views import Attachment, Conversation, StoredMessage
from llmdesk.tui.screens.image import ImageScreen, WholePicture
from llmdesk.tui.transcript import pictures
from llmdesk.tui.transcript.entries import UserEntry
from llmdesk.tui.transcript.pictures import MOST_COLUMNS, MOST_ROWS, Picture, decode, fitted, segments, shown_files
from llmdesk.tui.transcript.view import TranscriptView
from tests.support.fake_desk import FakeDesk
from tests.support.screen import seated, wait_until
from tests.support.screens import Host, running, screen_text, until

if TYPE_CHECKING:
    from textual.app import App

RED, GREEN, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 0)


def png(size: tuple[int, int] = (40, 20), colour: tuple[int, ...] = RED, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(out, form)
    return out.getvalue()


def bomb(side: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes that claims to unfold to gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def entry(*contents: bytes) -> UserEntry:
    return UserEntry(text="look", images=tuple(Picture(name=f"{n}.png", content=c) for n, c in enumerate(contents)))


# --- decoding ---------------------------------------------------------------------------------------------------------


def test_a_picture_keeps_its_shape_and_its_bounds() -> None:
    assert fitted((40, 20), 60, 12) == (40, 20)
    assert fitted((1200, 600), 60, 12) == (48, 24)
    assert fitted((10_000, 3), 60, 12) == (60, 1)
    assert fitted((3, 10_000), 60, 12) == (1, 24)


def test_two_pixels_make_a_cell() -> None:
    image = Image.new("RGB", (2, 3), RED)
    image.putpixel((0, 1), GREEN)
    out = io.BytesIO()
    image.save(out, "PNG")

    assert decode(out.getvalue(), 60, 12, BLACK) == (((RED, GREEN), (RED, RED)), ((RED, BLACK), (RED, BLACK)))


def test_what_is_transparent_shows_the_paper() -> None:
    assert decode(png((1, 2), (255, 255, 255, 0)), 60, 12, (1, 2, 3)) == ((((1, 2, 3), (1, 2, 3)),),)


def test_of_an_animation_the_first_frame_is_shown() -> None:
    out = io.BytesIO()
    first, second = (Image.new("RGB", (2, 2), colour) for colour in (RED, GREEN))
    first.save(out, "GIF", save_all=True, append_images=[second])

    cells = decode(out.getvalue(), 60, 12, BLACK)
    assert cells is not None
    assert {half for row in cells for cell in row for half in cell} == {(255, 0, 0)}


def test_neighbours_that_look_alike_are_one_segment() -> None:
    cells = decode(png((30, 4)), 60, 12, BLACK)
    assert cells is not None
    assert [[segment.text for segment in row] for row in segments(cells)] == [["▀" * 30]] * 2


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n", png()[:60], bomb(), b"GIF89a" + bytes(20), b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0\n"],
    ids=["empty", "bare signature", "cut", "bomb", "garbage", "no image", "a program"],
)
def test_what_cannot_be_decoded_is_none(content: bytes) -> None:
    assert decode(content, 60, 12, BLACK) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP"]), st.integers(0, 300), st.binary(min_size=1, max_size=8))
def test_a_garbled_image_never_breaks_out(form: str, at: int, garble: bytes) -> None:
    content = png((9, 9), form=form)
    at %= len(content)
    cells = decode(content[:at] + garble + content[at + len(garble) :], 20, 5, BLACK)
    assert cells is None or (len(cells) <= 5 and all(len(row) <= 20 for row in cells))


def test_names_are_made_harmless_and_texts_are_no_pictures() -> None:
    names, images = shown_files(
        [Attachment(name="a\x1b[2J.txt", text="x"), Attachment(name="\u202ecat\n.png", image=png((640, 480)))]
    )

    assert "\x1b" not in names[0]
    assert "\n" not in images[0].label
    assert "\u202e" not in images[0].label
    assert "(PNG, 640\N{MULTIPLICATION SIGN}480, " in images[0].label


# --- in the conversation ----------------------------------------------------------------------------------------------


def app_with(view: TranscriptView, color_system: str = "truecolor", *, no_color: bool = False) -> App[None]:
    app = Host(view)
    app.console._color_system = app.console._color_system if color_system == "auto" else _SYSTEMS[color_system]
    app.no_color = no_color
    return app


from rich.console import COLOR_SYSTEMS as _SYSTEMS  # noqa: E402 - beside its only use


async def test_an_image_is_drawn_below_its_name_and_bounded() -> None:
    view = TranscriptView()
    async with running(app_with(view)) as pilot:
        view.append(entry(png((2000, 2000))))
        await until(pilot, lambda: "▀" in screen_text(pilot.app))
        rows = [line for line in screen_text(pilot.app).splitlines() if "▀" in line]
        assert "▾ @0.png (PNG, 2000\N{MULTIPLICATION SIGN}2000, " in screen_text(pilot.app)
        assert len(rows) == MOST_ROWS
        assert all(line.count("▀") <= MOST_COLUMNS for line in rows)


async def test_a_click_on_the_name_folds_it_and_one_on_the_picture_asks_for_all_of_it() -> None:
    view, opened = TranscriptView(), []

    class Listening(Host):
        def on_transcript_view_picture_opened(self, event: TranscriptView.PictureOpened) -> None:
            opened.append((event.key, event.number))

    app = Listening(view)
    app.console._color_system = _SYSTEMS["truecolor"]
    async with running(app) as pilot:
        key = view.append(entry(png(), png(colour=GREEN)))
        await until(pilot, lambda: screen_text(app).count("▾ @") == 2 and screen_text(app).count("▀" * 40) >= 20)
        name_of_second = next(y for y, line in enumerate(screen_text(app).splitlines()) if "@1.png" in line)
        await pilot.click(view, Offset(5, name_of_second + 2))
        await until(pilot, lambda: opened == [(key, 1)])
        await pilot.click(view, Offset(2, name_of_second))
        await until(pilot, lambda: "▀" not in screen_text(app))
        assert "▸ @0.png" in screen_text(app)


@pytest.mark.parametrize("where", ["16 colours", "no colours", "switched off", "without the extra"])
async def test_where_it_cannot_be_shown_it_is_told(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    view = TranscriptView()
    app = app_with(view, "standard" if where == "16 colours" else "truecolor", no_color=where == "no colours")
    if where == "switched off":
        app.images = False  # type: ignore[attr-defined]
    if where == "without the extra":
        monkeypatch.setattr(pictures, "can_decode", lambda: False)
    async with running(app) as pilot:
        view.append(entry(png()))
        await until(pilot, lambda: "@0.png (PNG, 40\N{MULTIPLICATION SIGN}20, " in screen_text(app))
        assert "▀" not in screen_text(app)
        assert ("llmdesk[images]" in screen_text(app)) == (where == "without the extra")


async def test_hostile_images_are_names() -> None:
    view = TranscriptView()
    async with running(app_with(view)) as pilot:
        view.append(entry(bomb(), b"\xff\xd8\xff" + bytes(50), png((4, 4))))
        await until(pilot, lambda: "▀▀▀▀" in screen_text(pilot.app))
        assert "@0.png (PNG, 60000" in screen_text(pilot.app)
        assert "@1.png (JPEG, 53 B)" in screen_text(pilot.app)


async def test_a_picture_is_no_text_to_copy() -> None:
    view = TranscriptView()
    async with running(app_with(view)) as pilot:
        view.append(entry(png()))
        await until(pilot, lambda: "▀" in screen_text(pilot.app))
        pilot.app.screen.text_select_all()
        assert "▀" not in (pilot.app.screen.get_selected_text() or "")


def test_the_start_loads_nothing_of_it() -> None:
    code = "import sys, llmdesk.tui.app; print([n for n in sys.modules if 'PIL' in n or n.endswith('.pictures')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"


# --- whole ------------------------------------------------------------------------------------------------------------


async def test_a_stored_image_is_shown_whole_by_key_and_left_by_escape() -> None:
    message = StoredMessage(
        id=1,
        role=Role.USER,
        content="what is it?",
        created_at=0.0,
        attachments=(Attachment(name="a.png", image=png()),),
    )
    desk = FakeDesk()
    desk.stored["c1"] = Conversation(id="c1", title="t", lane="chat", created_at=0, updated_at=0, messages=(message,))
    async with seated(desk, conversation="c1") as seat:
        await seat.see("@a.png")
        await seat.press("alt+up", "enter")
        await wait_until(lambda: isinstance(seat.app.screen, ImageScreen), "the full view")
        whole = seat.app.screen.query_one(WholePicture)
        await wait_until(lambda: whole.drawn, "the picture")
        assert whole.size.height == 10
        await seat.press("f1")
        await seat.see("Back to the chat")
        await seat.press("escape")
        await wait_until(lambda: isinstance(seat.app.screen, ImageScreen), "the full view")
        await seat.press("escape")
        await wait_until(lambda: seat.app.screen is seat.app.chat, "the chat")
        await seat.press("enter")
        await seat.see("llmdesk ─ image")
        await seat.pilot.click("#image-keys", offset=(4, 0))
        await wait_until(lambda: seat.app.screen is seat.app.chat, "the chat")


async def test_an_image_is_hidden_in_the_conversation_and_shown_again_by_key() -> None:
    message = StoredMessage(
        id=1, role=Role.USER, content="what is it?", created_at=0.0,
        attachments=(Attachment(name="a.png", image=png()),),
    )  # fmt: skip
    desk = FakeDesk()
    desk.stored["c1"] = Conversation(id="c1", title="t", lane="chat", created_at=0, updated_at=0, messages=(message,))
    async with seated(desk) as seat:
        seat.app.console._color_system = _SYSTEMS["truecolor"]
        await seat.app.chat.open_conversation("c1")
        await seat.see("▀▀▀")
        await seat.press("alt+up", "h")
        await seat.see_gone("▀▀▀")
        await seat.see(r"\[h show it here\]")
        await seat.press("h")
        await seat.see("▀▀▀")
        await seat.see(r"\[h hide it here\]")


async def test_what_cannot_be_shown_whole_says_why() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.app.push_screen(ImageScreen([Picture(name="b.png", content=bomb())]))
        await seat.see("cannot be shown")


def test_a_colour_of_the_terminal_s_own_is_black() -> None:
    assert pictures.rgb(None) == pictures.rgb(Color.default()) == BLACK
