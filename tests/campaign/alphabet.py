"""What a target can be made to do: one symbol for each wire form of docs/policy.md, section 3, for every adapter.

A symbol is a scene of ``tests/support`` under a name that stays: a sequence is kept as names, not as bytes. A provider
of a sequence has one address and one command line, so a few scenes are not in it, or in their nearest form:

- A refused connection (O1, N2.refused) is a reset before the answer: for one request of many a server cannot stop
  listening. The wire's own toxin ``down`` is there beside it.
- ``LEFT_OUT`` names what needs another address (TLS, DNS, proxies) or another command line; the contract suite plays
  it.
- A program prints JSON lines, so that its text is known to the letter whatever is in it; scenes of plain text say the
  same in such lines, and those about plain text itself are left out.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.support.anthropic_answers import PING
from tests.support.plays import reset
from tests.support.wires import anthropic, command, google, ollama, openai
from tests.support.wires.command import JSONL, ToolScene, out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llmdesk.core.errors import ErrorKind
    from tests.support.plays import Play
    from tests.support.scenes import Scene
    from tests.support.tool_play import Step

PATIENCE = MappingProxyType({"connect_s": 2.0, "first_token_s": 1.0, "idle_s": 1.0, "content_s": 1.6})
"""The limits of every provider of a sequence that is reached over HTTP, seconds: longer than a loop full of sequences
ever keeps one of them waiting, because an answer that came and was not read in time counts as silence."""

TOOL_PATIENCE = MappingProxyType({"first_token_s": 2.5, "idle_s": 1.0, "content_s": 2.5})
"""The limits of a program, seconds: many of them are started at once, on few cores."""

SHORT_WAIT_S = 1.1
"""The longest pause a server may ask for and be waited for, seconds; the shortest hint counts as 1."""

WIRES = MappingProxyType({wire.WIRE.kind: wire.WIRE for wire in (ollama, openai, anthropic, google, command)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One thing that a target does with one request.

    Args:
        name: ``kind/row``, as in ``ollama/C1.a``; ``kind/happy`` = a complete answer of a text of its own.
        wire: the adapter's kind: ollama, openai, anthropic, google, command.
        error: the class that must be recorded; ``None`` = the request completes.
        scene: what is played.
        seconds: about how long it takes with the campaign's short timeouts.
        rare: it takes long, or much of the processor: to be drawn seldom.
    """

    name: str
    wire: str
    error: ErrorKind | None
    scene: Scene
    seconds: float = 0.0
    rare: bool = False


# --- what is not in it ------------------------------------------------------------------------------------------------

PLACES = MappingProxyType({
    "black hole": "its address takes no connections",
    "no host": "its address has another name",
    "tls": "its address begins with https",
    "silent tls": "its address begins with https",
    "garbled tls": "its address begins with https",
    "elsewhere": "its address is not on this machine",
    "elsewhere tls": "its address is not on this machine",
})  # fmt: skip

_TEXT = "it is about plain text, and the program prints JSON lines"
_DOCUMENT = "it is about one JSON document, and the program prints JSON lines"
_COMMAND = "its command line is another one"
_WAITING = "three wires play it already, and one more would change what every seed makes"

LEFT_OUT: dict[str, str] = {
    **{f"command/T1.{letter}": _COMMAND for letter in "abc"},
    "command/no value": _COMMAND,
    **{f"openai/N16.{letter}": _WAITING for letter in "abcdefghijklm"},
    "command/T0.text": _TEXT,
    "command/T0.json": _DOCUMENT,
    "command/T6.cap": "its answer limit is another one; command/T6.line floods as well",
    "command/T7": _TEXT,
    "command/T8": _TEXT,
    "command/T12.no json": _DOCUMENT,
    "command/T12.elsewhere": _DOCUMENT,
    "command/T12.empty value": _DOCUMENT,
    "command/damaged": _DOCUMENT,
}
"""Scenes that no server of a sequence plays, and why."""


# --- how long, how heavy ----------------------------------------------------------------------------------------------

_ENDLESS = ("N11.a", "N11.b", "N12", "O19")
"""Bombs and lines without end."""

_ROW_SECONDS = MappingProxyType({
    "N6.c": 0.05, "O3.a": 0.1, "O8.a": 0.05, "N7.a": PATIENCE["first_token_s"], "N7.b": PATIENCE["content_s"],
    "N8.a": PATIENCE["idle_s"], "N8.b": PATIENCE["idle_s"], "N8.c": PATIENCE["first_token_s"],
    "A9.a": PATIENCE["content_s"], "A9.b": 0.6, "form.held after the end": 2.0,
    "T4.first": TOOL_PATIENCE["first_token_s"], "T4.idle": TOOL_PATIENCE["idle_s"], "T6.line": 1.0,
    "N11.a": 0.3, "N11.b": 0.5, "N12": 0.3, "O19": 0.3,
})  # fmt: skip

LONG_S = 2.0
"""What takes longer is rare, seconds."""


def _seconds(kind: str, scene: Scene) -> float:
    waits = 1.0 if kind != "ollama" and scene.hint_s is not None and scene.hint_s <= SHORT_WAIT_S else 0.0
    return waits + _ROW_SECONDS.get(scene.row, 0.0) + (0.05 if kind == "command" else 0.0)


# --- scenes in the form they have here --------------------------------------------------------------------------------

_IN_LINES: Mapping[str, tuple[Step, ...]] = MappingProxyType(
    {
        "T0.jsonl": (out({"delta": "Hel"}), out({"other": 1}), out({"delta": "lo."})),
        "T2.text": (out({"delta": "Half an ans"}), {"exit": 1}),
        "T3": (out({"delta": "Half"}), {"kill": "SIGKILL"}),
        "T4.idle": (out({"delta": "Hel"}), {"do": "hold"}),
        "T6.long": (out({"delta": "x" * 200_000}),),
    }
)
"""Steps of scenes of plain text, or of other paths, in the lines of the one program."""


_FOR_EVER: Mapping[str, Callable[[Play], Play]] = MappingProxyType({
    "N7.a": lambda play: replace(play, headers={**play.headers, "X-Slow": "x" * 5_000}),
    "N7.b": lambda play: replace(play, body=lambda: itertools.cycle((b" ", 0.05))),
    "A9.a": lambda play: replace(play, body=lambda: itertools.cycle((PING, 0.03))),
    "O3.a": lambda play: replace(play, before=(0.1,)),
})  # fmt: skip
"""What lasts longer than any patience here, where it only lasted longer than one; and a slow start that is shorter."""


def _here(scene: Scene) -> Scene:
    if scene.place == "refused":
        return replace(scene, place="server", play=reset(), retries=None, says=())
    if isinstance(scene, ToolScene):
        return replace(scene, steps=_IN_LINES.get(scene.row, scene.steps), options={"output": JSONL})
    if scene.row in _FOR_EVER and scene.play is not None:
        return replace(scene, play=_FOR_EVER[scene.row](scene.play))
    return scene


def _symbols() -> Iterator[Symbol]:
    for kind, wire in WIRES.items():
        for scene in (wire.happy, *wire.scenes):
            name = f"{kind}/{scene.row}"
            if scene.place in PLACES:
                LEFT_OUT[name] = PLACES[scene.place]
            if name in LEFT_OUT:
                continue
            seconds = _seconds(kind, scene)
            rare = seconds > LONG_S or scene.row in (*_ENDLESS, "T6.line")
            yield Symbol(
                name=name, wire=kind, error=scene.kind, scene=_here(scene), seconds=seconds, rare=rare
            )  # fmt: skip


SYMBOLS: Mapping[str, Symbol] = MappingProxyType({symbol.name: symbol for symbol in _symbols()})
"""Every symbol by its name."""


def symbols_of(wire: str) -> tuple[Symbol, ...]:
    """The symbols of one wire, in the order of their scenes, the complete answer first."""
    return tuple(symbol for symbol in SYMBOLS.values() if symbol.wire == wire)
