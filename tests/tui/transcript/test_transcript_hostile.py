"""Texts that want to steer the terminal or crash the app, in every field of every entry (policy X1 to X9)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from llmdesk.tui.transcript.entries import (
    AnswerEntry,
    AnswerState,
    Completeness,
    NoteEntry,
    SeamEntry,
    UserEntry,
)
from llmdesk.tui.transcript.view import TranscriptView
from tests.support.screens import Host, running, until

if TYPE_CHECKING:
    from llmdesk.tui.transcript.entries import (
        Entry,
    )

CORPUS = {
    "csi": "a\x1b[31mred\x1b[2J\x1b[H",
    "clipboard": "\x1b]52;c;cm0gLXJm\x1b\\ and \x1b]0;title\x07",
    "c1": "\x9b31m \x90q\x9c \x9d52;c;eA==\x9c",
    "hyperlink": "\x1b]8;;file:///etc/passwd\x1b\\click\x1b]8;;\x1b\\",
    "nul and returns": "a\x00b\rc\r\nd\x7f\x08\x08",
    "bidi": "\u202eevil\u202c \u2066x\u2069 \u200f\u061c",
    "tags": "".join(chr(0xE0000 + ord(char)) for char in "hidden") + "\ufeff\u2028\u2029",
    "surrogate": "\ud800 \udfff",
    "marks": "e" + "\u0301" * 5_000,
    "markup": "[/red] [b +] [/ [@click=app.quit]x[/] [link=file:///]y[/link] $x [[[",
    "entities": "&#27;[31m &#x9b;2J &#x202e; &#13; &rlm;",
    "links": "[a](javascript:alert(1)) <file:///etc/passwd> [b](data:text/html,x) ![c](\x1b]52;c;x\x07)",
    "fence": "```\x1b]52;c;x\x07\n\x1b[2J\n```\n~~~[/red]\n[/b]\n",
    "table": "| \x1b[1m | [/red] |\n|---|---|\n| \x9b2J | &#x202e; |\n",
    "deep": ">" * 200 + "\n" + "- " * 200 + "\n" + "  " * 100 + "x\n" + "[" * 2_000 + "*" * 2_000 + "`" * 501,
    "one long word": "x" * 7_000,
    "open fence": "```python\n" + "'''\n" * 200,
}

ALLOWED = set("\n\t")


def harmless(text: str) -> bool:
    for char in text:
        code = ord(char)
        if char not in ALLOWED and (code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000):
            return False
        if 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or code in (0x200B, 0x200E, 0x200F, 0x061C, 0xFEFF):
            return False
        if 0xE0000 <= code < 0xE0080:
            return False
    return True


def everywhere(text: str) -> list[Entry]:
    return [
        UserEntry(text=text, at=text, attachments=(text,), who=text),
        SeamEntry(text=text),
        NoteEntry(text=text),
        AnswerEntry(head=text, text=text, reasoning=text, foot=text, completeness=Completeness.FULL),
        AnswerEntry(head=text, text=text, state=AnswerState.DISCARDED),
    ]


@pytest.mark.parametrize("name", CORPUS)
async def test_hostile_text_is_shown_harmless_and_crashes_nothing(name: str) -> None:
    text = CORPUS[name]
    view = TranscriptView()
    async with running(Host(view), (50, 16)) as pilot:
        for key in view.load(everywhere(text)):
            if isinstance(view.entry(key), AnswerEntry):
                view.toggle(key)
        key = view.begin_answer(AnswerEntry(state=AnswerState.OPEN))
        for start in range(0, len(text), 400):
            # In two pieces, so that a sequence is torn.
            view.feed(key, text[start : start + 3])
            view.feed_reasoning(key, text[start : start + 3])
            view.feed(key, text[start + 3 : start + 400])
            await asyncio.sleep(0)
        await until(pilot, lambda: not view.busy)
        view.finish(key, AnswerEntry(text=view.text_of(key), foot=text, completeness=Completeness.INTERRUPTED))
        await until(pilot, lambda: not view.busy)
        view.focus()
        view.scroll_to(y=0)
        for _ in range(300):
            for strip in view.render_lines(view.size.region):
                assert harmless(strip.text), repr(strip.text)
                assert all(not segment.control for segment in strip)
                assert all(not segment.style or not segment.style.link for segment in strip)
            if view.following:
                break
            view.scroll_to(y=view.scroll_y + 15)
        assert view.following
        assert view.text_of(key) == text


async def test_the_bytes_for_the_terminal_hold_no_escape_of_the_text() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.append(AnswerEntry(text=CORPUS["clipboard"] + CORPUS["csi"] + CORPUS["hyperlink"]))
        await pilot.pause()
        written = "".join(strip.render(pilot.app.console) for strip in view.render_lines(view.size.region))
        assert "\x1b]" not in written
        assert "\x1b[2J" not in written
        assert "\x1b[H" not in written


async def test_a_click_on_hostile_markup_runs_nothing() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.append(AnswerEntry(text="[@click=app.quit]xxxxxxxx[/]"))
        await pilot.pause()
        for x in range(0, 24, 4):
            await pilot.click(view, offset=(x, 0))
        assert pilot.app.is_running
