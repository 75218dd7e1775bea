"""What a marked turn looks like, what was before it, and what was really sent for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.exchange import HIDDEN, Chunk, Exchange
from llmdesk.core.types import Role
from tests.support.fake_desk import CLOUD, LOCAL
from tests.support.figures import NOON
from tests.support.looks import TALK, LookedAt, answered, conversation, looking, said, still

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

Size = tuple[int, int]

OLDER = tuple(replace(message, superseded_by="request-9") for message in (
    said(1, Role.USER, "Write a parser"), answered(2, "Which language?"),
))  # fmt: skip


async def test_a_marked_answer_and_a_marked_prompt_say_what_can_be_done(
    size: Size, snapshot: SnapshotAssertion
) -> None:
    async with looking(LookedAt(stored={"c1": TALK}), size=size, conversation="c1") as seat:
        await seat.see("Keep them")
        await seat.press("alt+up")
        await seat.see("c copy")
        assert await still(seat) == snapshot(name="answer")
        await seat.press("up")
        await seat.see("prompt of")
        assert await still(seat) == snapshot(name="prompt")
        await seat.press("e")
        await seat.see("editing an earlier prompt")
        assert await still(seat) == snapshot(name="edited")


async def test_earlier_versions_are_folded_into_a_line_and_unfold(size: Size, snapshot: SnapshotAssertion) -> None:
    talk = conversation(*OLDER, said(3, Role.USER, "Write a parser in Python"), answered(4, "Here is one."))
    async with looking(LookedAt(stored={"c1": talk}), size=size, conversation="c1") as seat:
        await seat.see("earlier version")
        assert await still(seat) == snapshot(name="folded")
        await seat.press("alt+up", "up", "up", "enter")
        await seat.see("Which language")
        assert await still(seat) == snapshot(name="unfolded")


async def test_what_was_sent_and_received(size: Size, snapshot: SnapshotAssertion) -> None:
    sent = json.dumps({"model": "gpt-oss:120b", "messages": [{"role": "user", "content": "hello"}]}).encode()
    first = Exchange(
        request="request-1", attempt=1, target=CLOUD, at=NOON, method="POST", url="https://ollama.com/api/chat",
        request_headers=(("Authorization", HIDDEN), ("Content-Type", "application/json")), sent=sent,
        sent_head=len(sent), status=429, response_headers=(("Retry-After", "600"),),
        received=(Chunk(at_ms=80, data=b'{"error":"you have reached your hourly usage limit"}'),), received_head=1,
        ended_ms=81,
    )  # fmt: skip
    second = replace(
        first, attempt=2, target=LOCAL, url="http://127.0.0.1:11434/api/chat", status=200, response_headers=(),
        received=(Chunk(at_ms=120, data=b'{"message":{"content":"A"},"done":false}\n'),
                  Chunk(at_ms=250, data=b'{"message":{"content":"ha"},"done":true}\n')), received_head=2, ended_ms=260,
    )  # fmt: skip
    async with looking(LookedAt(calls={"request-1": (first, second)}), size=size) as seat:
        seat.app.show_raw("request-1")
        await seat.see("250 ms")
        assert await still(seat) == snapshot(name="last")
        await seat.press("left")
        await seat.see("429")
        assert await still(seat) == snapshot(name="first")
