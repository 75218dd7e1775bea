"""Calling the user by the terminal: its bell, or a message of the desktop, as bytes for the terminal.

Nobody answers to them, and a terminal that does not know a message ignores it. No word of a prompt or an answer is in
one: it is read on a locked screen, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BELL = "\a"
_END = "\x1b\\"


def signals(way: str, words: str, env: Mapping[str, str]) -> Iterator[str]:
    """What is written to the terminal, in pieces.

    Args:
        way: ``ui.notify`` of the configuration.
        words: what happened, one short sentence.
        env: the environment: which terminal, and what is between it and here.
    """
    if way == "bell":
        yield BELL
    elif way == "desktop":
        yield from _through(_message(one_line(words, 200), env), env)


def _message(words: str, env: Mapping[str, str]) -> str:
    """The message in the terminal's own form.

    Sources: kitty, "Desktop notifications" (OSC 99); iTerm2, "Proprietary Escape Codes" (OSC 9); everybody else who
    has them took OSC 777 from rxvt-unicode (foot, Ghostty, WezTerm, Konsole, VTE).
    """
    if env.get("KITTY_WINDOW_ID") or env.get("TERM") == "xterm-kitty":
        return f"\x1b]99;;llmdesk: {words}{_END}"
    if "iTerm" in (env.get("LC_TERMINAL") or env.get("TERM_PROGRAM") or ""):
        return f"\x1b]9;llmdesk: {words}{_END}"
    return f"\x1b]777;notify;llmdesk;{words.replace(';', ',')}{_END}"


def _through(message: str, env: Mapping[str, str]) -> Iterator[str]:
    """Hand it on to the terminal outside tmux or GNU screen; a bell comes along where tmux may keep it to itself."""
    if env.get("TMUX"):
        doubled = message.replace("\x1b", "\x1b\x1b")
        yield f"\x1bPtmux;{doubled}\x1b\\"
        yield BELL
    elif env.get("STY"):
        yield BELL  # its strings end at the first of those that end ours
    else:
        yield message
