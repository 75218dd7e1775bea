"""How many objects stay behind: none for a token that has been handed on, a few for a message or a line that is shown.

Counted are the blocks of memory that Python has given out for small objects (``sys.getallocatedblocks``): a string, a
number, a tuple is one. They are the same on every machine, which bytes and times are not.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from llmdesk.core.types import TextDelta
from llmdesk.core.views import Ask
from llmdesk.providers.scripted import Scene
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, UserEntry
from llmdesk.tui.transcript.view import TranscriptView
from tests.support.desk_world import DeskWorld, talk
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer
from tests.support.ollama_answers import chat_answer
from tests.support.screens import LARGE, Host, running
from tests.support.stored import ROOT
from tests.support.virtual_time import now, run_virtually

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from llmdesk.desk import Desk
    from llmdesk.tui.transcript.entries import Entry
    from tests.support.fault_server import Seen
    from tests.support.plays import Play

NOISE = 500
"""What may stay for any request, however long its answer: a row of a cache, an entry of a log, a number that was 1."""

AT_A_TIME = 1_500
"""What may be held at any time of a request for itself, beside its text."""

PER_PIECE = 4
"""What may be held for each piece as it came from the wire: the last exchanges can be looked at. It takes 3."""

PER_STORED_MESSAGE = 10
"""What a message of a conversation is when it has been read. It takes 7."""

PER_SHOWN_MESSAGE = 9
"""What a message is to the screen that nobody has looked at yet. It takes 6."""

PER_HUNDRED_TOKENS = 520
"""What the lines of so much of an answer take, which are kept while it is near the view. It takes 390."""

WARM = 3
"""So often is done what is counted before it is counted: then every cache is filled."""


def blocks() -> int:
    """The blocks that are given out now."""
    gc.collect()
    return sys.getallocatedblocks()


# --- without a screen ---


async def streamed(world: DeskWorld, desk: Desk, tokens: int) -> tuple[int, int]:
    """Ask, and take each token as it comes; what stays of it, and the most that was held meanwhile."""
    world.cloud.script([Scene(steps=[step for at in range(tokens) for step in (f"word{at} ", 0.0)])])
    before, most, came = blocks(), 0, 0
    async for event in desk.send(Ask(prompt="hello")):
        if isinstance(event, TextDelta):
            came += 1
            if came % 50 == 0:
                most = max(most, sys.getallocatedblocks() - before)
    del event
    assert came == tokens, "one at a time"
    world.cloud.requests.clear()
    world.logged.clear()
    await asyncio.sleep(0)
    return blocks() - before, most


async def test_a_token_that_was_handed_on_leaves_nothing_behind(tmp_path: Path) -> None:
    world = DeskWorld(tmp_path)
    async with world.desk() as desk:
        for _ in range(WARM):
            await streamed(world, desk, 100)
        for tokens in (1_000, 10_000):
            stays, held = await streamed(world, desk, tokens)
            assert stays <= NOISE
            assert 0 < held <= AT_A_TIME


ASKER = """
import asyncio, gc, json, os, sys
from llmdesk.core.types import TextDelta
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk

def blocks():
    gc.collect()
    return sys.getallocatedblocks()

async def main():
    async with make_desk(env=os.environ) as desk:
        async def ask(tokens):
            before, most = sys.getallocatedblocks(), 0
            async for event in desk.send(Ask(prompt=str(tokens))):
                if isinstance(event, TextDelta):
                    most = max(most, sys.getallocatedblocks() - before)
            return most

        async def forget():
            for _ in range({kept}):
                await ask(10)
            await asyncio.sleep(0)

        await ask({tokens})
        await forget()
        before = blocks()
        held = await ask({tokens})
        await forget()
        print(json.dumps([blocks() - before, held]))

asyncio.run(main())
"""


def long_or_short(seen: Seen) -> Play | None:
    """Answer with as many tokens as the prompt says."""
    if seen.path != "/api/chat":
        return None
    count = int(seen.json["messages"][-1]["content"])
    return chat_answer("".join(f"word{at:04} " for at in range(count)), size=9, input_tokens=None)


def test_what_came_over_the_wire_is_held_as_it_came_and_then_forgotten(tmp_path: Path) -> None:
    from llmdesk.desk.exchanges import MOST

    world = exec_world(tmp_path / "home")
    tokens = 2_000
    with FaultServer.in_thread() as server:
        server.respond = long_or_short
        world.configure(configuration(provider("local", server.url), targets=["local/gemma3:4b"]))
        done = subprocess.run(
            [sys.executable, "-c", ASKER.format(tokens=tokens, kept=MOST + 1)],
            cwd=ROOT, env=world.environment, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    stays, held = json.loads(done.stdout)
    assert stays <= 2 * NOISE
    assert AT_A_TIME < held <= AT_A_TIME + PER_PIECE * tokens


async def idle(desk: Desk) -> None:
    """Give the thread of the database something else to hold than what was read last."""
    await desk._parts.database.read(lambda _: None)


async def test_a_message_of_a_conversation_is_a_few_objects(tmp_path: Path) -> None:
    world = DeskWorld(tmp_path)

    async def read(desk: Desk, conversation: str) -> int:
        await idle(desk)
        before = blocks()
        found = await desk.conversation(conversation)
        await idle(desk)
        taken = blocks() - before
        assert found.messages
        return taken

    async with world.desk() as desk:
        short, long = [(await talk(desk, world, *[f"prompt {at}" for at in range(count)]))[0] for count in (10, 110)]
        for _ in range(WARM):
            few, many = await read(desk, short), await read(desk, long)
        assert 0 < many - few <= PER_STORED_MESSAGE * 200


# --- on the screen ---

LINES = "Some *words* with `code` that are many enough to be broken at the width of the screen, and so to take two.\n\n"
BLOCK = LINES + "- one\n- two\n\n```python\nx = [1, 2]  # a comment\n```\n\n" + LINES
OPEN = AnswerEntry(head="local", state=AnswerState.OPEN)


class Shown:
    """A view on a screen, and what it has come to hold."""

    def __init__(self, view: TranscriptView) -> None:
        self.view = view

    async def rest(self) -> None:
        while self.view.busy:
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)

    async def answer(self, tokens: int) -> tuple[int, int]:
        """Stream an answer of so many tokens; what is held when it is over, and when it was taken out."""
        key = self.view.begin_answer(OPEN)
        await self.rest()
        before = blocks()
        for _ in range(0, tokens, 100):
            self.view.feed(key, BLOCK)
            await asyncio.sleep(0.02)
        await self.rest()
        self.view.finish(key, AnswerEntry(head="local", text=self.view.text_of(key)))
        await self.rest()
        return blocks() - before, await self._left(before)

    async def conversation(self, messages: int) -> tuple[int, int]:
        """Show a conversation; what is held then, and when it was taken out."""
        before = blocks()
        self.view.load(said(messages))
        await self.rest()
        return blocks() - before, await self._left(before)

    async def _left(self, before: int) -> int:
        self.view.clear()
        await self.rest()
        return blocks() - before


def said(messages: int) -> list[Entry]:
    return [
        UserEntry(text=f"question {at}", at="14:20") if at % 2 else AnswerEntry(head="local", text=f"answer {at}")
        for at in range(messages)
    ]


def shown(monkeypatch: pytest.MonkeyPatch, work: Any) -> None:
    """Do ``work`` with a view on a screen, in virtual time."""
    monkeypatch.setattr("textual._time.get_time", now)

    async def on_screen() -> None:
        view = TranscriptView()
        async with running(Host(view), LARGE):
            await work(Shown(view))

    run_virtually(on_screen())


def test_a_line_of_an_answer_is_a_few_objects_and_gone_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(shown: Shown) -> None:
        for _ in range(WARM):
            await shown.answer(200)
        (short, left_of_short), (long, left_of_long) = await shown.answer(4_000), await shown.answer(10_000)
        assert 0 < short <= PER_HUNDRED_TOKENS * 40
        assert 0 < long - short <= PER_HUNDRED_TOKENS * 60
        assert max(left_of_short, left_of_long) <= NOISE

    shown(monkeypatch, work)


def test_a_message_that_is_not_in_view_is_a_few_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(shown: Shown) -> None:
        for _ in range(WARM):
            await shown.conversation(200)
        (few, left_of_few), (many, left_of_many) = await shown.conversation(200), await shown.conversation(2_000)
        assert 0 < many - few <= PER_SHOWN_MESSAGE * 1_800
        assert max(left_of_few, left_of_many) <= NOISE

    shown(monkeypatch, work)
