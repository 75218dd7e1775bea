"""The judge is closed: it lets through what Textual and the desk send, and nothing else."""

from __future__ import annotations

import base64
import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core.text import sanitise
from llmdesk.tui.leaving import LEAVE_SCREEN
from tests.campaign.terminal.corpus import HOSTILE, REACHED, batches, mixed
from tests.campaign.terminal.modes import judge_end, modes_after
from tests.campaign.terminal.stream import Allowed, judge
from tests.campaign.terminal.tokens import Tokeniser, tokens

if TYPE_CHECKING:
    from tests.campaign.terminal.tokens import Token

ENTERED = (
    b"\x1b[?1049h\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h\x1b[?25l\x1b[?1004h\x1b[>25u\x1b[?2026$p\x1b[?2048$p"
    b"\x1b[?2004h\x1b[?7l\x1b[?2048h\x1b[?1016h\x1b]22;default\x07\x1b[?2026h\x1b[1;1H\x1b[1;38;2;122;162;247;48;2;0;1;2m"
)
"""How Textual begins, on a terminal that knows everything."""

OWN = (
    "red", "paste off", "mouse on", "other screen", "own screen", "cursor away", "frame never ends", "keys given back",
    "pointer",
)  # fmt: skip
"""Sequences that Textual sends as well: that they are foreign is told by the mark of the place, not by the judge."""

LETTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")


def test_what_the_desk_sends_is_let_through_and_leaving_resets_all_of_it() -> None:
    whole = ENTERED + "llmdesk ─ ünï 漢字 👩‍👩‍👧 \u2400\ufffd".encode() + b"\x1b[0m\r\n" + LEAVE_SCREEN
    assert judge(whole) == []
    assert judge_end(whole) == []


@pytest.mark.parametrize("left_out", [b"?2026l", b"?2004l", b"?2048l", b"?7h", b"?1003l", b"?1016l", b"?1004l",
                                      b"<u", b"?25h", b"?1049l"])  # fmt: skip
def test_a_mode_that_is_not_reset_is_found(left_out: bytes) -> None:
    assert judge_end(ENTERED + LEAVE_SCREEN.replace(b"\x1b[" + left_out, b""))


def test_a_keyboard_that_is_given_back_on_the_wrong_screen_is_found() -> None:
    assert modes_after(b"\x1b[?1049h\x1b[>25u\x1b[?1049l\x1b[<u").left_behind() == ["1 settings of the keyboard"]


def test_a_stream_without_a_screen_proves_nothing() -> None:
    assert judge_end(b"hello")


@pytest.mark.parametrize("name", HOSTILE)
def test_every_hostile_text_is_a_violation_as_it_is_and_none_once_it_is_harmless(name: str) -> None:
    text = HOSTILE[name]
    own = name.startswith(OWN) and "8 bits" not in name
    if sanitise(text) != text:
        sent = f"{REACHED}{text}" if own else f"{text} "
        assert judge(sent.encode("utf-8", "surrogatepass")), f"{text!r} was let through"
    harmless = sanitise(text).replace("\n", " ").replace("\t", " ")
    assert judge(harmless.encode()) == []


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1b[8mhidden", b"\x1b[5m", b"\x1b[38;2;300;0;0m", b"\x1b[38;2;1m", b"\x1b[?9999h", b"\x1b[?1002h",
        b"\x1b[2J", b"\x1b[5C", b"\x1b[0;0H", b"\x1b[>1u", b"\x1b]0;t\x07", b"\x1b]8;;http://x\x1b\\",
        b"\x1b]22;evil\x07",
        b"\x1b]52;c;YQ==\x07", b"\x1b_Ga=T;AAAA\x1b\\", b'\x1bP0;1q"1;1;1;1~\x1b\\', b"\x1b7", b"\x07", b"\t",
        b"\x9b31m", b"\xff", "\u202e".encode(), "\x9b".encode(), b"\x1b[31", b"\x1b]0;never", b"\x1b[1;\x071H",
        b"\x1b\x1b[0m",
        b"a" + "\u0301".encode() * 9,
    ],
)  # fmt: skip
def test_anything_else_is_a_violation(sent: bytes) -> None:
    assert judge(b"before " + sent)


def test_a_copy_is_let_through_once_when_a_key_asked_for_it_and_only_if_it_is_harmless() -> None:
    def sent(text: str) -> bytes:
        return b"\x1b]52;c;" + base64.b64encode(text.encode()) + b"\x07"

    copied = Allowed(copied=("The answer",))
    assert judge(sent("The answer\nis 42"), copied) == []
    assert judge(sent("The answer") * 2, copied)
    assert judge(sent("Something else"), copied)
    assert judge(sent("The answer\x1b[31m"), copied)


@given(st.lists(st.sampled_from([*HOSTILE.values(), "a", "\x1b[0m", "é"]), max_size=6), st.data())
def test_where_a_stream_is_cut_changes_nothing(texts: list[str], data: st.DataObject) -> None:
    whole = "".join(text[:40] for text in texts).encode("utf-8", "surrogatepass")
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=5))
    edges = [0, *sorted(cuts), len(whole)]
    tokeniser = Tokeniser()
    pieces = [token for start, end in pairwise(edges) for token in tokeniser.feed(whole[start:end])]
    pieces += tokeniser.finish()

    def told(found: list[Token]) -> list[tuple[str, bytes]]:
        joined: list[tuple[str, bytes]] = []
        for token in found:
            if token.kind == "text" and joined and joined[-1][0] == "text":
                joined[-1] = ("text", joined[-1][1] + token.raw)
            else:
                joined.append((token.kind, token.raw))
        return joined

    assert told(pieces) == told(list(tokens(whole)))
    assert b"".join(token.raw for token in pieces) == whole


def test_the_rounds_have_every_text_and_the_same_seed_makes_the_same_mixture() -> None:
    together = "".join(batches())
    assert all(text in together for text in HOSTILE.values())
    assert mixed(random.Random(5)) == mixed(random.Random(5))
    assert set(REACHED) - LETTERS == {"\x1b", "[", "/", "]"}
