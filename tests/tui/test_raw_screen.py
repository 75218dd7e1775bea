"""What was sent and received, on the screen: every attempt, exact or readable, with its times, and no secret."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from llmdesk.core.exchange import HIDDEN, Chunk, Exchange
from llmdesk.core.text import redact
from llmdesk.tui.screens.raw_text import exchange_lines
from tests.support.fake_desk import CLOUD, LOCAL, FakeDesk
from tests.support.screen import seated

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SENT = json.dumps({"model": "gpt-oss:120b", "messages": [{"role": "user", "content": "hello"}]}).encode()


def called(number: int = 1, **changes: object) -> Exchange:
    values: dict[str, object] = {
        "request": "request-1", "attempt": number, "target": CLOUD if number == 1 else LOCAL, "at": 1.0,
        "method": "POST", "url": "https://ollama.com/api/chat", "request_headers": (("Authorization", HIDDEN),),
        "sent": SENT, "sent_head": len(SENT), "status": 200, "response_headers": (("Via", "a proxy"),),
        "received": (Chunk(at_ms=120, data=b'{"message":{"content":"\\u0041h'), Chunk(at_ms=250, data=b'a"}}\n')),
        "received_head": 2, "ended_ms": 260,
    }  # fmt: skip
    return Exchange(**{**values, **changes})  # type: ignore[arg-type]


def text_of(exchange: Exchange, *, pretty: bool = False, timing: bool = True) -> str:
    return "\n".join(line.side + line.text for line in exchange_lines(exchange, pretty=pretty, timing=timing))


async def test_each_attempt_is_shown_and_the_last_one_first() -> None:
    first = called(1, status=429, received=(Chunk(at_ms=80, data=b"slow down"),))
    async with seated(FakeDesk(calls={"request-1": (first, called(2))}), size=(100, 50)) as seat:
        seat.app.show_raw("request-1")
        await seat.see(r"\+250 ms │ \{")
        await seat.see("Aha")
        await seat.see(HIDDEN)
        await seat.press("left")
        await seat.see("slow down")
        await seat.press("right")
        await seat.see("Aha")
        await seat.press("p")
        await seat.see(r"\+120 ms │ .*u0041h")
        await seat.press("t")
        await seat.see_gone(r"\+120 ms")
        await seat.press("escape")
        await seat.see("─ 1 chat")


async def test_where_nothing_is_kept_that_is_said() -> None:
    async with seated(FakeDesk(), size=(80, 24)) as seat:
        seat.app.show_raw("long-ago")
        await seat.see("Nothing is kept of this request")
        await seat.press("c", "s", "p", "right")
        assert seat.app.is_running


async def test_it_is_saved_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with seated(FakeDesk(calls={"request-1": (called(),)}), size=(100, 40)) as seat:
        seat.app.show_raw("request-1")
        await seat.see("Aha")
        await seat.press("s")
        await seat.see("Written to")
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "gpt-oss:120b" in path.read_text()


def test_a_secret_behind_escapes_is_masked_in_what_is_made_readable() -> None:
    secret = "escaped-canary-5512"
    redact.learn(secret)
    hidden = "".join(f"\\u{ord(char):04x}" for char in secret).encode()
    exchange = called(received=(Chunk(at_ms=1, data=b'{"key":"' + hidden + b'"}'),), sent=b'{"k":"' + hidden + b'"}')
    for pretty in (True, False):
        assert secret not in text_of(exchange, pretty=pretty)
    stream = called(received=(Chunk(at_ms=1, data=b'data: {"key":"' + hidden + b'"}\n\ndata: [DONE]\n'),))
    assert secret not in text_of(stream, pretty=True)


def test_what_could_steer_a_terminal_is_made_visible_in_the_exact_bytes() -> None:
    shown = text_of(called(received=(Chunk(at_ms=1, data=b"\x1b]0;x\x07\r\n\xff\xfe end"),)))
    assert "\x1b" not in shown
    assert "␛]0;x␇␍" in shown
    assert r"\xff\xfe end" in shown


def test_a_left_out_middle_is_told() -> None:
    shown = text_of(called(received_cut=5_000, received_head=1))
    assert "[5 000 bytes in the middle are not kept]" in shown


def test_a_program_is_shown_with_its_words_and_the_names_of_its_environment() -> None:
    shown = text_of(
        called(method="", url="", argv=("codex", "exec", "-"), environment=("HOME", "KEY"), status=3, error_output="no")
    )
    assert "'codex' 'exec' '-'" in shown
    assert "HOME, KEY" in shown
    assert "exit code 3" in shown
