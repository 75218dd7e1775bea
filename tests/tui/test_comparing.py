"""One prompt to several lanes: columns that stream, are steered and cancelled apart, and the one that is kept."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.core import errors
from llmdesk.core.types import ModelRef
from llmdesk.providers.scripted import Scene
from llmdesk.tui.screens.comparing import contenders_in
from tests.support.desk_world import CLOUD, DeskWorld, answers, endless, fails, said
from tests.support.screen import seated, wait_until
from tests.support.sitting import Opened
from tests.support.stored import Clocks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from llmdesk.tui.screens.compare import CompareScreen
    from tests.support.screen import Seat

LARGE = ModelRef("local", "large:27b")
LIMITED = errors.RateLimited("cloud: rate limited.")


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    """``chat`` asks the cloud, ``codegen`` the local model."""
    made = DeskWorld(tmp_path, clocks=Clocks(wall=time.time()))
    made.lanes["chat"] = replace(made.lanes["chat"], targets=(CLOUD,))
    made.lanes["codegen"] = replace(made.lanes["codegen"], targets=(LARGE,))
    made.cloud.scenes = answers("From above.")
    made.local.scenes = answers("From here.")
    return made


@asynccontextmanager
async def sitting(world: DeskWorld, size: tuple[int, int] = (120, 30)) -> AsyncIterator[Seat]:
    async with seated(Opened(world.desk()), size=size) as seat:  # type: ignore[arg-type]
        yield seat


def comparison(seat: Seat) -> CompareScreen:
    return seat.app.screen  # type: ignore[return-value]


async def compare(seat: Seat, prompt: str = "Which way?") -> None:
    await seat.press("alt+v")
    await seat.see("Compared are chat, codegen")
    await seat.type(prompt)
    await seat.press("enter")
    await wait_until(lambda: len(comparison(seat).columns) == 2)


def standing(world: DeskWorld) -> list[str]:
    rows = world.rows("SELECT content FROM messages WHERE superseded_by IS NULL ORDER BY turn, id")
    return [content for (content,) in rows]


def notices(seat: Seat) -> str:
    return "\n".join(notice.message for notice in seat.app._notifications)


@pytest.mark.parametrize(("size", "digit"), [((120, 40), "1"), ((200, 60), "2"), ((80, 24), "2")])
async def test_the_kept_answer_stands_and_the_other_is_an_earlier_version(
    world: DeskWorld, size: tuple[int, int], digit: str
) -> None:
    async with sitting(world, size) as seat:
        await compare(seat)
        await seat.see("1 keep chat.*2 keep codegen")
        if size[0] >= 100:
            assert "From above." in seat.text
            assert "From here." in seat.text
        await seat.press(digit)
        kept = "From above." if digit == "1" else "From here."
        await wait_until(lambda: seat.app.screen is seat.app.chat)
        await seat.see(kept)
        assert standing(world) == ["Which way?", kept]
        assert len(world.rows("SELECT 1 FROM messages")) == 4
        assert len(world.rows("SELECT DISTINCT conversation FROM messages")) == 1
        assert seat.app.focused is seat.app.chat.talk.pane.prompt
        world.cloud.scenes = answers("Onwards.")
        await seat.ask("And then?")
        await seat.see("Onwards.")
        assert said(world.cloud.requests[-1]) == [("user", "Which way?"), ("assistant", kept), ("user", "And then?")]


async def test_no_column_sees_what_another_one_said(world: DeskWorld) -> None:
    world.local.scenes = [Scene(error=errors.ServerFailed("local: broken.", retries=0)), Scene(steps=["Late."])]
    async with sitting(world) as seat:
        await seat.ask("Before")
        await seat.see("✔ full")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await compare(seat)
        await seat.see("1 keep chat")
        await wait_until(lambda: not comparison(seat).columns[1].busy)
        await seat.press("right", "r")
        await seat.see("2 keep codegen")
        for request in (*world.cloud.requests[1:], *world.local.requests):
            assert [content for _, content in said(request)] == ["Before", "From above.", "Which way?"]
        await seat.press("2")
        await wait_until(lambda: seat.app.screen is seat.app.chat)
        assert standing(world) == ["Before", "From above.", "Which way?", "Late."]
        assert not world.rows("SELECT 1 FROM requests WHERE status IN ('paused', 'running', 'accepted')")


async def test_help_that_is_open_when_all_is_over_is_closed_first(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await compare(seat)
        await seat.see("2 keep codegen")
        screen = comparison(seat)
        await seat.press("f1")
        await seat.see("keys and commands")
        screen.action_keep(1)
        await wait_until(lambda: "Kept the answer of chat" in notices(seat), "the end")
        assert seat.app.screen not in (screen, seat.app.chat)
        await seat.press("escape")
        await wait_until(lambda: seat.app.screen is seat.app.chat, "the chat")


async def test_the_narrow_screen_shows_one_column_and_goes_to_the_other_by_key_and_click(world: DeskWorld) -> None:
    async with sitting(world, (80, 24)) as seat:
        await compare(seat)
        await seat.see("2 keep codegen")
        assert "From above." in seat.text
        assert "From here." not in seat.text
        await seat.press("tab")
        await seat.see("From here.")
        bar = next(y for y, line in enumerate(seat.text.split("\n")) if "1 chat" in line)
        await seat.pilot.click(offset=(3, bar))
        await seat.see("From above.")


async def test_a_click_keeps_and_the_draft_of_the_lane_was_the_prompt(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await seat.type("Which ")
        await seat.press("alt+v")
        await seat.see("Compared are")
        await seat.type("way?")
        await seat.press("enter")
        text = await seat.see("2 keep codegen")
        at = next(y for y, line in enumerate(text.split("\n")) if "2 keep codegen" in line)
        await seat.pilot.click(offset=(text.split("\n")[at].index("2 keep"), at))
        await seat.see("Kept the answer of codegen")
        await wait_until(lambda: seat.app.screen is seat.app.chat)
        assert standing(world) == ["Which way?", "From here."]
        assert seat.prompt == ""


async def test_escape_before_sending_gives_the_draft_back(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await seat.type("dra")
        await seat.press("alt+v")
        await seat.see("Compared are")
        await seat.type("f")
        await seat.press("escape")
        await wait_until(lambda: seat.app.screen is seat.app.chat)
        await seat.type("t")
        assert seat.prompt == "draft"
        assert not world.cloud.requests


async def test_escape_cancels_all_keeps_what_came_and_gives_the_prompt_back(world: DeskWorld) -> None:
    world.cloud.scenes, world.local.scenes = endless("Half "), endless("A part ")
    async with sitting(world) as seat:
        await compare(seat)
        await seat.see("Half")
        await seat.see("A part")
        await seat.press("escape")
        await wait_until(lambda: not any(column.busy for column in comparison(seat).columns))
        assert seat.text.count("interrupted") == 2
        await seat.press("escape")
        await wait_until(lambda: seat.app.screen is seat.app.chat)
        assert seat.prompt == "Which way?"
        assert world.rows("SELECT DISTINCT status FROM requests") == [("cancelled",)]


async def test_escape_without_a_choice_keeps_the_first_that_was_done_and_says_so(world: DeskWorld) -> None:
    world.cloud.scenes = endless("Half ")
    async with sitting(world) as seat:
        await compare(seat)
        await seat.see("2 keep codegen")
        await seat.press("escape")
        await seat.see("Esc keep the first")
        await seat.press("escape")
        await seat.see("Kept the answer of codegen")
        await wait_until(lambda: seat.app.screen is seat.app.chat)
        assert standing(world) == ["Which way?", "From here."]


async def test_choosing_while_another_one_streams_cancels_that_one(world: DeskWorld) -> None:
    world.cloud.scenes = endless("Half ")
    async with sitting(world) as seat:
        await compare(seat)
        await seat.see("Half")
        await seat.see("2 keep codegen")
        await seat.press("1")
        await wait_until(lambda: "chat has not answered" in notices(seat))
        await seat.press("2")
        await wait_until(lambda: seat.app.screen is seat.app.chat)
        assert standing(world) == ["Which way?", "From here."]
        assert world.rows("SELECT status FROM requests ORDER BY created_at, id") == [("cancelled",), ("completed",)]


async def test_leaving_the_desk_pauses_what_streams(world: DeskWorld) -> None:
    world.cloud.scenes, world.local.scenes = endless("Half "), endless("A part ")
    async with sitting(world) as seat:
        await compare(seat)
        await seat.see("A part")
        await seat.see("Half")
        assert seat.app.chat.running() == 2
        seat.app.leave(asked=True)
    assert world.rows("SELECT DISTINCT status FROM requests") == [("paused",)]


async def test_one_that_nobody_can_answer_waits_and_goes_when_another_is_kept(world: DeskWorld) -> None:
    world.cloud.scenes = fails(LIMITED)
    gate = asyncio.Event()
    world.local.on_request = lambda _: gate.set()
    async with sitting(world) as seat:
        await compare(seat)
        await seat.see("Nobody could answer now")
        await seat.see("2 keep codegen")
        await seat.press("2")
        await wait_until(lambda: seat.app.screen is seat.app.chat)
        assert standing(world) == ["Which way?", "From here."]
        assert not world.rows("SELECT 1 FROM requests WHERE status = 'paused'")
    assert gate.is_set()


async def test_each_column_shows_its_seam_and_answers_its_own_question(world: DeskWorld) -> None:
    world.cloud.scenes = fails(LIMITED)
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(CLOUD, LARGE), failover="ask")
    async with sitting(world) as seat:
        await seat.press("alt+2")
        await seat.see("2 codegen")
        await compare_from(seat, "codegen", "chat")
        await seat.see(r"rate limited\. Ask local/large:27b")
        await seat.see("y ask local")
        await seat.see("1 keep codegen")
        await seat.press("y")
        await seat.see("rate limited.*→")
        await seat.see("2 keep chat")


async def compare_from(seat: Seat, *lanes: str) -> None:
    await seat.ask(f"/compare {' '.join(lanes)} Which way?")
    await wait_until(lambda: seat.app.screen is not seat.app.chat and len(comparison(seat).columns) == len(lanes))


async def test_lanes_are_chosen_by_number_and_by_click_and_two_are_needed(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await seat.press("alt+v")
        await seat.see("● 1 chat.*● 2 codegen")
        await seat.press("alt+2")
        await seat.see("○ 2 codegen")
        await seat.type("x")
        await seat.press("enter")
        await wait_until(lambda: "at least 2" in notices(seat))
        text = seat.text.split("\n")
        at = next(y for y, line in enumerate(text) if "○ 2 codegen" in line)
        await seat.pilot.click(offset=(text[at].index("2 codegen"), at))
        await seat.see("● 2 codegen")
        await seat.press("enter")
        await seat.see("2 keep codegen")


async def test_models_are_compared_in_one_lane_too(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await compare_from(seat, "local/large:27b", "local/small:4b")
        await seat.see("1 keep local/large:27b.*2 keep local/small:4b")
        assert [request.model for request in world.local.requests] == ["large:27b", "small:4b"]


async def test_a_lane_that_answers_is_not_compared(world: DeskWorld) -> None:
    world.cloud.scenes = endless("Half ")
    async with sitting(world) as seat:
        await seat.ask("hello")
        await seat.see("Half")
        await seat.ask("/compare chat codegen what")
        await wait_until(lambda: "This lane is answering" in notices(seat))
        await seat.press("alt+v")
        await wait_until(lambda: notices(seat).count("This lane is answering") == 2)


async def test_help_tells_the_keys_of_the_comparison(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await compare(seat)
        await seat.see("2 keep codegen")
        await seat.press("f1")
        await seat.see("Keep the answer of a column")
        await seat.press("escape")
        await seat.see("2 keep codegen")


LANES, PROVIDERS = ("chat", "codegen"), ("cloud", "local")


@pytest.mark.parametrize(
    ("written", "names", "text"),
    [
        ("", [], ""),
        ("chat codegen", ["chat", "codegen"], ""),
        ("chat  codegen  why  so?", ["chat", "codegen"], "why  so?"),
        ("codegen src/main.py explain", ["codegen"], "src/main.py explain"),
        ("chat local/gemma3:4b hi", ["chat", "local/gemma3:4b"], "hi"),
        ("nowhere codegen", [], "nowhere codegen"),
        ("chat chat chat chat chat", ["chat"] * 4, "chat"),
    ],
)
def test_names_stand_before_the_prompt(written: str, names: list[str], text: str) -> None:
    assert contenders_in(written, LANES, PROVIDERS) == (names, text)


@given(st.text())
def test_nothing_that_is_written_is_lost(written: str) -> None:
    names, text = contenders_in(written, LANES, PROVIDERS)
    assert " ".join([*names, text]).split() == written.split()


async def test_the_last_line_tells_the_keys_that_do_something_now(world: DeskWorld) -> None:
    async with sitting(world) as seat:
        await seat.press("alt+v")
        await seat.see("Compared are chat, codegen")
        last = seat.text.split("\n")[-1]
        assert "enter send" in last
        assert "keep" not in last
        assert "r again" not in last
        await seat.type("r")
        await seat.press("enter")
        await seat.see("1 keep chat.*2 keep codegen")
        await wait_until(lambda: "Esc keep the first" in seat.text.split("\n")[-1])
        assert "1…2 keep" in seat.text.split("\n")[-1]
        assert "Esc close" not in seat.text
