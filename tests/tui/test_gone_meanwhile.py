"""What is left, or is gone, while something is still read for it: no screen breaks of that, and no key waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual import events

from llmdesk.core.errors import StorageError, UsageError
from llmdesk.core.views import Topic
from tests.support.fake_desk import FakeDesk, stored_conversation
from tests.support.screen import seated, wait_until
from tests.tui.test_panels import history

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.types import ModelRef
    from llmdesk.core.views import Conversation, ConversationView, ProviderStatus
    from tests.support.screen import Seat


@dataclass
class SlowDesk(FakeDesk):
    """Answers only when it is let; ``asked`` = somebody waits for it."""

    may: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def slowly(self) -> None:
        self.asked.set()
        await self.may.wait()


def key(seat: Seat, name: str, character: str | None = None) -> None:
    """Press a key without waiting for what comes of it."""
    seat.app.post_message(events.Key(name, character))


# --- left while it reads ----------------------------------------------------------------------------------------------


async def test_a_list_of_conversations_that_is_left_while_it_searches_opens_nothing_any_more() -> None:
    class Desk(SlowDesk):
        async def search(self, query: str, *, limit: int = 50) -> tuple[ConversationView, ...]:
            await self.slowly()
            return await super().search(query, limit=limit)

    desk = Desk(stored={"conversation-1": stored_conversation()})
    async with seated(desk, size=(120, 30)) as seat:
        await seat.press("ctrl+o")
        await seat.see("Parse the log file")
        key(seat, "p", "p")
        key(seat, "enter")
        await wait_until(desk.asked.is_set, "the search")
        key(seat, "escape")
        await wait_until(lambda: seat.app.screen is seat.app.chat, "the chat")
        desk.may.set()
        await seat.pilot.pause()
        assert seat.app.screen is seat.app.chat
        assert seat.app.chat.talk.conversation is None


async def test_no_key_waits_for_a_server_that_deletes_a_model() -> None:
    class Desk(SlowDesk):
        async def delete_model(self, ref: ModelRef) -> None:
            await self.slowly()
            await super().delete_model(ref)

    desk = Desk()
    async with seated(desk, size=(120, 30)) as seat:
        await seat.press("f8")
        await seat.see("gemma3:27b")
        key(seat, "x", "x")
        key(seat, "x", "x")
        await wait_until(desk.asked.is_set, "the deletion")
        key(seat, "escape")
        await wait_until(lambda: seat.app.screen is seat.app.chat, "the chat")
        desk.may.set()
        await wait_until(lambda: desk.dropped == ["local/gemma3:27b"])
        await seat.see("Deleted local/gemma3:27b")


async def test_no_screen_waits_for_a_server_that_tells_of_a_model() -> None:
    class Desk(SlowDesk):
        async def show_model(self, ref: ModelRef) -> dict[str, object]:  # type: ignore[override]
            await self.slowly()
            return {"name": ref.model}

    desk = Desk()
    async with seated(desk, size=(120, 30)) as seat:
        await seat.press("f8")
        await seat.see("gemma3:27b")
        key(seat, "enter")
        await wait_until(desk.asked.is_set, "the question")
        key(seat, "slash", "/")
        await wait_until(lambda: not seat.app.screen.query_one("#filter").has_class("away"), "the filter")
        desk.may.set()
        await seat.see('"name": "gemma3:27b"')


async def test_the_screen_is_drawn_while_an_export_is_taken_in(tmp_path: Path) -> None:
    class Desk(SlowDesk):
        async def import_conversations(self, path: Path) -> tuple[ConversationView, ...]:
            await self.slowly()
            return await super().import_conversations(path)

    (tmp_path / "chats.json").write_text("[]")
    desk = Desk()
    async with seated(desk, size=(120, 30)) as seat:
        seat.app.chat.talk.pane.prompt.insert(f"/import {tmp_path / 'chats.json'}")
        key(seat, "enter")
        await wait_until(desk.asked.is_set, "the import")
        key(seat, "a", "a")
        await seat.see(r"\n a +│")
        desk.may.set()
        await seat.see("Imported 1 conversation")


# --- gone while it is shown -------------------------------------------------------------------------------------------


async def test_a_provider_that_is_configured_no_more_stays_open_until_it_is_closed() -> None:
    desk = FakeDesk()
    async with seated(desk, size=(120, 30)) as seat:
        await seat.press("f3")
        await seat.see("cloud +ollama")
        await seat.press("enter")
        await seat.see("latency +312 ms")
        desk.statuses = desk.statuses[1:]
        desk.changes.put_nowait(frozenset({Topic.PROVIDERS}))
        await wait_until(lambda: seat.app.screen.query_one("FittedTable").row_count == 2)  # type: ignore[attr-defined]
        await seat.pilot.pause()
        assert "latency" in seat.text
        await seat.press("escape")
        await seat.see("openai +openai +no key")


async def test_a_provider_that_is_gone_is_told_when_it_is_probed() -> None:
    class Desk(FakeDesk):
        async def probe_provider(self, provider: str) -> ProviderStatus:
            raise UsageError(f"There is no provider '{provider}'.")

    async with seated(Desk(), size=(120, 30)) as seat:
        await seat.press("f3")
        await seat.see("cloud +ollama")
        await seat.press("p")
        await seat.see("There is no provider 'cloud'.")


async def test_a_failover_that_leaves_the_list_stays_open_until_it_is_closed() -> None:
    desk = history()
    async with seated(desk, size=(140, 30)) as seat:
        await seat.press("f6")
        await seat.see("rate limited")
        await seat.press("enter")
        await seat.see("whole answer")
        desk.rows = desk.rows[1:]
        desk.changes.put_nowait(frozenset({Topic.REQUESTS}))
        await wait_until(lambda: seat.app.screen.query_one("FittedTable").row_count == 1)  # type: ignore[attr-defined]
        await seat.pilot.pause()
        assert "whole answer" in seat.text


async def test_a_conversation_that_cannot_be_looked_for_at_the_start_is_told() -> None:
    class Desk(FakeDesk):
        async def latest_conversation(self, lane: str | None = None) -> str | None:
            raise StorageError("The database cannot be read.")

    async with seated(Desk(), size=(120, 30), latest=True) as seat:
        await seat.see("The database cannot be read.")
        await seat.ask("hello")
        await seat.see("Hello there.")


async def test_a_lane_that_is_begun_while_drafts_move_out_is_no_surprise() -> None:
    class Desk(SlowDesk):
        async def conversation(self, conversation_id: str) -> Conversation:
            await self.slowly()
            return await super().conversation(conversation_id)

    desk = Desk()
    async with seated(desk, size=(120, 30), lane="codegen") as seat:
        chat = seat.app.chat
        chat.talk.pane.prompt.put("of a lane that goes")
        chat.talk.conversation = "elsewhere"
        await chat.go_to_lane("repair")
        chat.lanes = tuple(lane for lane in chat.lanes if lane.name != "codegen")
        chat.follow(chat.move_out)
        await wait_until(desk.asked.is_set, "the question where it was written")
        await chat.go_to_lane("chat")
        desk.may.set()
        await seat.press("ctrl+pagedown")
        await wait_until(lambda: chat.talks["repair"].pane.prompt.text == "of a lane that goes")


# --- put away by another panel ----------------------------------------------------------------------------------------


async def test_a_theme_that_was_only_tried_on_goes_with_its_panel() -> None:
    async with seated(FakeDesk(), size=(120, 30)) as seat:
        seat.app.chat.house.action_open_panel("themes")
        await seat.see("─ themes")
        worn = seat.app.theme
        await seat.press("up")
        await wait_until(lambda: seat.app.theme != worn, "another theme")
        await seat.press("f3")
        await seat.see("─ providers")
        assert seat.app.theme == worn
