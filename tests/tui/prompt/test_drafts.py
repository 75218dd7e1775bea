"""What is being written is kept, and is back at the next start."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import AttemptStarted
from llmdesk.core.views import Draft, DraftedPrompt
from tests.support.fake_desk import LOCAL, FakeDesk, Gate, answer
from tests.support.screen import seated, wait_until
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


async def test_a_pause_in_writing_keeps_the_draft_and_sending_forgets_it() -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.type("half a th")
        await wait_until(lambda: desk.drafts.get("chat", Draft(lane="")).text == "half a th", "the draft")
        await seat.type("ought")
        await seat.press("enter")
        await wait_until(lambda: "chat" not in desk.drafts, "the end of the draft")


async def test_the_queue_and_the_drafts_of_other_lanes_are_kept_too() -> None:
    gate = Gate()
    desk = FakeDesk(scripts=[[AttemptStarted(number=1, target=LOCAL), gate, *answer("x")[1:]]])
    async with seated(desk) as seat:
        await seat.ask("under way")
        await seat.ask("queued")
        await seat.type("first")
        await seat.press("alt+2")
        await seat.type("second")
        await wait_until(lambda: set(desk.drafts) == {"chat", "codegen"}, "both drafts")
        assert (desk.drafts["chat"].text, desk.drafts["chat"].queue) == ("first", (DraftedPrompt(text="queued"),))
        assert desk.drafts["codegen"].text == "second"


async def test_leaving_keeps_what_is_in_the_prompt_at_once() -> None:
    desk = FakeDesk()
    async with seated(desk) as seat:
        await seat.type("unsent")
        await seat.press("ctrl+q")
        await wait_until(lambda: "chat" in desk.drafts, "the draft")
        assert desk.drafts["chat"].text == "unsent"


async def test_a_draft_is_back_in_its_lane_with_its_queue_waiting() -> None:
    at = time.time()
    left = (
        Draft(lane="chat", text="unsent", queue=(DraftedPrompt(text="one"), DraftedPrompt(text="two")), saved_at=at),
        Draft(lane="codegen", text="code", saved_at=at),
    )
    desk = FakeDesk(left=left)
    async with seated(desk) as seat:
        await seat.see(r"Your draft of \d\d:\d\d is back. 2 queued prompts")
        await seat.see("queued 2 two")
        assert seat.prompt == "unsent"
        assert not desk.asks
        await seat.see("A draft is back in lane codegen too")
        await seat.press("alt+2")
        await wait_until(lambda: seat.prompt == "code", "the other draft")
        assert desk.drafts["codegen"].text == "code"


async def test_a_draft_never_takes_the_place_of_what_is_written() -> None:
    import asyncio

    opening = asyncio.Event()
    desk = FakeDesk(left=(Draft(lane="chat", text="old", saved_at=time.time()),), opening=opening)
    async with seated(desk, wait=False) as seat:
        await seat.type("new")
        opening.set()
        await seat.see("is in the history")
        assert seat.prompt == "new"
        await seat.press("up")
        assert seat.prompt == "old"


@contextmanager
def program(home: Path) -> Iterator[Terminal]:
    """The real program on a pseudo-terminal, with nobody to ask."""
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {
        "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "LLMDESK_HOME": str(home),
        "OLLAMA_HOST": "127.0.0.1:9",
    }  # fmt: skip
    terminal = Terminal([sys.executable, "-m", "llmdesk"], env=env)
    try:
        terminal.wait_for("1 chat")
        yield terminal
    finally:
        terminal.close()


def kept(home: Path) -> list[str]:
    path = home / "data" / "llmdesk.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        try:
            return [text for (text,) in connection.execute("SELECT text FROM drafts")]
        except sqlite3.OperationalError:  # not made yet, or busy
            return []


@pytest.mark.terminal
def test_a_killed_program_gives_the_draft_back_at_the_next_start(tmp_path: Path) -> None:
    with program(tmp_path) as terminal:
        terminal.send("a thought worth keeping")
        terminal.wait_until(lambda _: kept(tmp_path) == ["a thought worth keeping"], "the draft on the disk")
        os.kill(terminal.child.pid, signal.SIGKILL)
        assert terminal.wait_exit() == -signal.SIGKILL
    with program(tmp_path) as terminal:
        terminal.wait_for(r"Your draft of \d\d:\d\d is back")
        terminal.wait_for("a thought worth keeping")
        terminal.send(b"\x11")
        assert terminal.wait_exit() == 0
    assert kept(tmp_path) == ["a thought worth keeping"]


@pytest.mark.terminal
def test_off_the_record_no_draft_reaches_the_disk(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "llmdesk.yaml").write_text("version: 1\nprivacy: {record: off-record}\n")
    with program(tmp_path) as terminal:
        terminal.send("unspeakable")
        terminal.wait_for("unspeakable")
        terminal.send(b"\x11")
        assert terminal.wait_exit() == 0
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"unspeakable" not in held
