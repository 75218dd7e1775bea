"""Hostile servers: bodies without end, bombs, and the many ways of being slow, on every wire."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from tests.campaign.limits.cases import Case, Scene
from tests.support import anthropic_answers, google_answers, ollama_answers, openai_answers
from tests.support.anthropic_answers import event as claude_event
from tests.support.exec_world import exec_world
from tests.support.fault_server import FaultServer, Mark, Play, chat_chunk, drip, line
from tests.support.wires import anthropic, google, ollama, openai

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.campaign.limits.cases import SetScene
    from tests.support.wire import HttpWire

WIRES = {wire.kind: wire for wire in (ollama.WIRE, openai.WIRE, anthropic.WIRE, google.WIRE)}
SSE = {"Content-Type": "text/event-stream"}
NDJSON = {"Content-Type": "application/x-ndjson"}
FLOOD_S = 15.0
"""A bound for what ends by size: a loopback server sends 16 MiB in a second, two busy processors take their time."""

SHORT = {"connect_s": 1, "write_s": 1, "first_token_s": 1.5, "idle_s": 1.5, "content_s": 2}
WORD_S = SHORT["idle_s"] / 3
"""Between two pieces of a slow answer, seconds."""

BLOCK = 64 * 1024


def headers_of(wire: HttpWire) -> dict[str, str]:
    """The content type of a stream on a wire."""
    return NDJSON if wire.kind == "ollama" else SSE


def endless(piece: bytes) -> Callable[[], Iterator[bytes]]:
    """A body that says the same for ever, in blocks."""

    def steps() -> Iterator[bytes]:
        block = piece * max(1, BLOCK // len(piece))
        while True:
            yield block

    return steps


@contextlib.contextmanager
def served(
    wire: HttpWire,
    play: Play | None,
    folder: Path,
    *,
    timeouts: dict[str, float] | None = None,
    words: tuple[str, ...] = ("exec", "--json", "hello"),
    path: str | None = None,
    lane: dict[str, Any] | None = None,
) -> Iterator[Scene]:
    """A server of a wire that plays ``play`` for every request (``None`` = a healthy answer)."""
    with FaultServer.in_thread() as server:
        for each, healthy in wire.healthy.items():
            server.always(each, healthy)
        assert wire.happy.play is not None
        server.always(wire.path, wire.happy.play)
        if play is not None:
            server.always(path or wire.path, play)
        world = exec_world(folder / "home", THE_KEY="key-of-the-campaign")
        provider = {
            "kind": wire.kind,
            "base_url": server.url + wire.base,
            "api_key": "${THE_KEY}",
            "retry": {"attempts": 1, "delay_s": 0},
            "timeouts": SHORT if timeouts is None else timeouts,
        }
        rules = {"targets": [f"there/{wire.model}"], **(lane or {})}
        world.configure(
            f"version: 1\ndefault_lane: only\nproviders:\n  there: {json.dumps(provider)}\n  local: null\n"
            f"lanes:\n  only: {json.dumps(rules)}\n"
        )

        def began() -> float | None:
            seen = server.seen(path or wire.path)
            return seen[0].at if seen else None

        yield Scene(words=words, environment=world.environment, began=began)


def scene(kind: str, play: Play | None, **more: Any) -> SetScene:
    """``served`` with everything but its folder."""
    return partial(served, WIRES[kind], play, **more)


def raw(steps: Callable[[], Iterator[bytes]], *before: bytes) -> Play:
    """Bytes instead of an HTTP answer."""

    def whole() -> Iterator[bytes]:
        yield from before
        yield from steps()

    return Play(raw=whole)


@cache
def compressed(unpacked: int, fill: bytes) -> bytes:
    """A compressed body; made in pieces, so that making it costs no memory."""
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = fill * (1 << 20)
    return b"".join([packer.compress(block) for _ in range(unpacked // len(block))]) + packer.flush()


def bomb(kind: str, fill: bytes, headers: dict[str, str], *, status: int = 200, **more: Any) -> SetScene:
    """A scene with a quarter of a gigabyte of ``fill`` in a small body, which is made when the scene is set."""

    def play(folder: Path) -> AbstractContextManager[Scene]:
        told = {"Content-Encoding": "gzip", **headers}
        body = (compressed(256 << 20, fill),)
        made = Play(status=status, headers=told, body=body, framing="length")
        return served(WIRES[kind], made, folder, **more)

    return play


def bombs() -> Iterator[Case]:
    """Bodies that are larger than they look, or have no end."""
    for kind, wire in WIRES.items():
        plain = scene(kind, None)
        headers = headers_of(wire)
        prefix = b"" if kind == "ollama" else b"data: "
        quick = kind in ("ollama", "openai")
        for what, fill in (("zeros", b"\0"), ("newlines", b"\n")):
            yield Case(name=f"{kind}: gzip bomb of {what}", play=bomb(kind, fill, headers), plain=plain,
                       limit_s=FLOOD_S, code=5, error="truncated", quick=kind == "ollama")  # fmt: skip
        floods = {
            "endless line": prefix + b"x" * 4096,
            "endless line of digits": prefix + b"1" * 4096,
        }
        for what, piece in floods.items():
            first = [prefix] if prefix else []
            play = Play(headers=headers, body=_after(first, endless(piece[len(prefix) :])))
            yield Case(name=f"{kind}: {what}", play=scene(kind, play), plain=plain, limit_s=FLOOD_S, code=5,
                       error="truncated", quick=quick and what == "endless line")  # fmt: skip
        yield Case(
            name=f"{kind}: endless error body", plain=plain, limit_s=FLOOD_S, code=5, error="server", quick=quick,
            play=scene(kind, Play(status=500, headers={"Content-Type": "text/plain"}, body=endless(b"no "))),
        )  # fmt: skip
        yield Case(
            name=f"{kind}: endless error body of lines", plain=plain, limit_s=FLOOD_S, code=5, error="server",
            play=scene(kind, Play(status=500, headers={"Content-Type": "text/plain"}, body=endless(b"no\tway\n"))),
        )  # fmt: skip
        yield Case(
            name=f"{kind}: gzip bomb as error", plain=plain, limit_s=FLOOD_S, code=5, error="server",
            play=bomb(kind, b" ", {"Content-Type": "application/json"}, status=500),
        )  # fmt: skip
        deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
        yield Case(
            name=f"{kind}: nested 100 000 deep", plain=plain, limit_s=FLOOD_S, code=5, error="truncated", quick=quick,
            play=scene(kind, Play(headers=headers, body=(prefix + deep + b"\n\n",))),
        )  # fmt: skip
        many = b"[" + b"[]," * 2_000_000 + b"[]]"
        yield Case(
            name=f"{kind}: 2 000 000 empty lists", plain=plain, limit_s=FLOOD_S, code=5, error="truncated",
            play=scene(kind, Play(headers=headers, body=(prefix + b'{"a":' + many + b"}\n\n",))),
        )  # fmt: skip
        yield Case(
            name=f"{kind}: one document of empty lists", plain=plain, limit_s=FLOOD_S, code=5, error="truncated",
            play=scene(kind, Play(headers={"Content-Type": "application/json"}, body=(b'{"a":' + many + b"}",))),
        )  # fmt: skip
        yield Case(
            name=f"{kind}: endless headers", plain=plain, limit_s=FLOOD_S, code=5, error="net", quick=quick,
            play=scene(kind, raw(endless(b"X-Padding: nothing at all\r\n"), b"HTTP/1.1 200 OK\r\n")),
        )  # fmt: skip
        yield Case(
            name=f"{kind}: endless header line", plain=plain, limit_s=FLOOD_S, code=5, error="net",
            play=scene(kind, raw(endless(b"x" * 1024), b"HTTP/1.1 200 OK\r\nX-Padding: ")),
        )  # fmt: skip
        yield Case(
            name=f"{kind}: endless interim answers", plain=plain, limit_s=SHORT["first_token_s"], code=5,
            error="silent", play=scene(kind, raw(endless(b"HTTP/1.1 100 Continue\r\n\r\n"))), quick=kind == "ollama",
        )  # fmt: skip


def _after(first: list[bytes], steps: Callable[[], Iterator[bytes]]) -> Callable[[], Iterator[bytes]]:
    def whole() -> Iterator[bytes]:
        yield from first
        yield from steps()

    return whole


def chatter() -> Iterator[Case]:
    """Floods of what is no content: each byte is a sign of life, none is an answer (policy A9, R11)."""
    content_s = SHORT["content_s"]
    for kind in ("openai", "anthropic", "google"):
        plain = scene(kind, None)
        for what, piece in (
            ("comments", b": keep-alive\n\n"),
            ("blank lines", b"\n"),
            ("nameless fields", b"retry: 1\nid: 2\n\n"),
        ):
            yield Case(
                name=f"{kind}: endless {what}", plain=plain, limit_s=content_s, code=5, error="silent",
                play=scene(kind, Play(headers=SSE, body=endless(piece))), quick=kind == "openai",
            )  # fmt: skip
        yield Case(
            name=f"{kind}: an event of endless lines", plain=plain, limit_s=FLOOD_S, code=5, error="truncated",
            play=scene(kind, Play(headers=SSE, body=endless(b"data: x\n")), timeouts={}),  # two million lines take time
        )  # fmt: skip
    yield Case(
        name="anthropic: endless pings", plain=scene("anthropic", None), limit_s=content_s, code=5, error="silent",
        play=scene("anthropic", Play(headers=SSE, body=endless(claude_event("ping")))), quick=True,
    )  # fmt: skip
    yield Case(
        name="ollama: endless blank lines", plain=scene("ollama", None), limit_s=content_s, code=5, error="silent",
        play=scene("ollama", Play(headers=NDJSON, body=endless(b"\r\n"))),
    )  # fmt: skip
    yield Case(
        name="ollama: endless empty pieces", plain=scene("ollama", None), limit_s=content_s, code=5, error="silent",
        play=scene("ollama", Play(headers=NDJSON, body=endless(line(chat_chunk(""))))),
    )  # fmt: skip
    yield Case(
        name="ollama: endless words", plain=scene("ollama", None), limit_s=60, code=5, error="truncated",
        play=scene("ollama", Play(headers=NDJSON, body=endless(line(chat_chunk("word " * 2000)))), timeouts={}),
    )  # fmt: skip
    huge = line({**chat_chunk("a"), "eval_count": "N"}).replace(b'"N"', b"9" * 5000)
    yield Case(
        name="ollama: a count of 5 000 digits", plain=scene("ollama", None), limit_s=FLOOD_S, code=5,
        error="truncated", play=scene("ollama", Play(headers=NDJSON, body=(huge,))), quick=True,
    )  # fmt: skip


def slow() -> Iterator[Case]:
    """Slow-loris, half-open, never read (policy N6 to N8)."""
    for kind, wire in WIRES.items():
        plain = scene(kind, None)
        quick = kind == "openai"
        headers = headers_of(wire)
        yield Case(
            name=f"{kind}: headers byte by byte", plain=plain, limit_s=SHORT["first_token_s"], code=5, error="silent",
            play=scene(kind, Play(headers=headers, head_pause_s=0.05)), quick=quick,
        )  # fmt: skip
        yield Case(
            name=f"{kind}: body byte by byte", plain=plain, limit_s=SHORT["content_s"], code=5, error="silent",
            play=scene(kind, Play(headers=headers, body=tuple(drip(b" " * 400, 0.05)))), quick=quick,
        )  # fmt: skip
        yield Case(
            name=f"{kind}: half-open", plain=plain, limit_s=SHORT["idle_s"], code=5, error="silent",
            play=scene(kind, Play(headers=headers, body=(Mark.HOLD,))), quick=quick,
        )  # fmt: skip
        yield Case(
            name=f"{kind}: taken and never answered", plain=plain, limit_s=SHORT["first_token_s"], code=5,
            error="silent", play=scene(kind, Play(raw=(Mark.HOLD,))),
        )  # fmt: skip
        yield Case(
            name=f"{kind}: error body byte by byte", plain=plain, limit_s=10.0, code=5, error="server",
            play=scene(kind, Play(status=500, headers={"Content-Type": "text/plain"},
                                  body=tuple(drip(b"no " * 400, 0.05)))),
        )  # fmt: skip
        yield Case(
            name=f"{kind}: an answer word by word", plain=plain, limit_s=20.0, code=0,
            play=scene(kind, word_by_word(kind)),
        )  # fmt: skip


def word_by_word(kind: str) -> Play:
    """A whole answer of which something comes each half second: longer than any silence may be, and never silent."""
    words = [f"word{number} " for number in range(6)]
    play = {
        "ollama": ollama_answers.chat_answer("".join(words), size=len(words[0])),
        "openai": openai_answers.events(openai_answers.chunks_of("".join(words))),
        "anthropic": anthropic_answers.answer(*words),
        "google": google_answers.answer(*words),
    }[kind]
    assert not callable(play.body)
    pieces = [piece for piece in play.body if isinstance(piece, bytes)]
    return replace(play, body=tuple(step for piece in pieces for step in (piece, WORD_S)))


def lists() -> Iterator[Case]:
    """Lists of models without end: ``models list`` and ``providers check`` ask for them."""
    listing: dict[str, Any] = {"words": ("models", "list"), "path": "/api/tags"}

    def listed(play: Play | None) -> SetScene:
        return scene("ollama", play, **listing)

    plain = listed(None)
    hostile = {
        "endless model list": listed(Play(body=_after([b'{"models":['], endless(b'{"name":"a"},')))),
        "gzip bomb as model list": bomb("ollama", b" ", {}, **listing),
        "model list nested 100 000 deep": listed(Play(body=(b"[" * 100_000 + b"]" * 100_000,))),
        "half-open model list": listed(Play(body=(b'{"models":[', Mark.HOLD))),
    }
    for name, play in hostile.items():
        yield Case(
            name=f"ollama: {name}", plain=plain, limit_s=FLOOD_S, code=0, says=("there: ",), quick="half" not in name,
            play=play,
        )  # fmt: skip


def _unread() -> Case:
    """A connection that is accepted and never read: a large prompt fills every buffer, and the write limit ends it."""
    return Case(
        name="openai: accepted and never read", plain=scene("openai", None), limit_s=SHORT["write_s"], code=5,
        error="net", play=partial(_never_read),
    )  # fmt: skip


@contextlib.contextmanager
def _never_read(folder: Path) -> Iterator[Scene]:
    import socket
    import threading
    import time

    with contextlib.closing(socket.socket()) as listener, served(WIRES["openai"], None, folder) as found:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        accepted: list[tuple[float, socket.socket]] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted.append((0.0, listener.accept()[0]))
                    accepted[-1] = (time.monotonic(), accepted[-1][1])

        thread = threading.Thread(target=accept, name="never-reads")
        thread.start()
        file = folder / "home" / "config" / "llmdesk.yaml"
        told = json.loads(file.read_text().split("there: ")[1].splitlines()[0])
        told["base_url"] = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        file.write_text(
            f"version: 1\ndefault_lane: only\nproviders:\n  there: {json.dumps(told)}\n"
            f"lanes:\n  only: {{targets: [there/{WIRES['openai'].model}]}}\n"
        )
        large = folder / "large.txt"
        large.write_bytes(b"word " * (2 << 20))
        try:
            with large.open("rb") as stdin:
                yield replace(
                    found, words=("exec", "--json", "-"), stdin=stdin,
                    began=lambda: accepted[0][0] if accepted else None,
                )  # fmt: skip
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for _, each in accepted:
                each.close()


def cases() -> Iterator[Case]:
    """Every case of a server."""
    yield from bombs()
    yield from chatter()
    yield from slow()
    yield from lists()
    yield _unread()
