"""Which bytes call the user, in which terminal; and that nothing but these bytes gets into them."""

from __future__ import annotations

import pytest

from llmdesk.tui.calling import signals
from tests.support.screen import wait_until
from tests.support.settings_world import settled

WORDS = "Lane chat has its answer."
MESSAGE = "\x1b]777;notify;llmdesk;Lane chat has its answer.\x1b\\"


@pytest.mark.parametrize(
    ("env", "written"),
    [
        ({}, MESSAGE),
        ({"TERM_PROGRAM": "ghostty"}, MESSAGE),
        ({"KITTY_WINDOW_ID": "1"}, "\x1b]99;;llmdesk: Lane chat has its answer.\x1b\\"),
        ({"TERM": "xterm-kitty"}, "\x1b]99;;llmdesk: Lane chat has its answer.\x1b\\"),
        ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]9;llmdesk: Lane chat has its answer.\x1b\\"),
        ({"LC_TERMINAL": "iTerm2", "TERM_PROGRAM": "tmux"}, "\x1b]9;llmdesk: Lane chat has its answer.\x1b\\"),
        ({"TMUX": "/tmp/x,1,0"}, f"\x1bPtmux;{MESSAGE.replace(chr(27), chr(27) * 2)}\x1b\\\a"),
        ({"STY": "1.pts"}, "\a"),
    ],
)
def test_a_message_has_the_form_of_the_terminal(env: dict[str, str], written: str) -> None:
    assert "".join(signals("desktop", WORDS, env)) == written


def test_a_bell_is_one_byte_everywhere() -> None:
    assert [*signals("bell", WORDS, {"TMUX": "x"})] == ["\a"]


def test_off_writes_nothing() -> None:
    assert [*signals("off", WORDS, {})] == []


@pytest.mark.parametrize("env", [{}, {"KITTY_WINDOW_ID": "1"}, {"TERM_PROGRAM": "iTerm.app"}])
def test_no_sign_that_steers_gets_into_a_message(env: dict[str, str]) -> None:
    hostile = "Lane \x1b]52;c;aGFja2Vk\x07\x9b31m;x\n\x1b\\ ended."
    written = "".join(signals("desktop", hostile, env))
    assert written.startswith("\x1b]")
    assert written.endswith("\x1b\\")
    assert not set("\x1b\x07\x9b\n\x9c") & set(written[2:-2])
    if not env:
        assert written.count(";") == 3, "a field more would be read as one"


def test_a_message_is_short() -> None:
    assert len("".join(signals("desktop", "x" * 10_000, {}))) < 300


async def test_it_is_off_until_the_configuration_says_otherwise_and_then_at_once() -> None:
    async with settled() as (seat, file):
        assert seat.app.calls_by == "off"
        text = file.read_text(encoding="utf-8")
        file.write_text(text + "ui: {notify: bell}\n", encoding="utf-8")
        await seat.see("Settings read again")
        await wait_until(lambda: seat.app.calls_by == "bell")
