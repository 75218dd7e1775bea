"""Another model for one prompt or for the lane, other parameters for the lane, and both in sight."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import UsageError
from llmdesk.core.types import ModelInfo, ModelRef, Params
from llmdesk.core.views import ModelRow, TargetStatus
from llmdesk.tui.screens.retarget import changed
from tests.support.fake_desk import CLOUD, LOCAL, FakeDesk, answer
from tests.support.screen import seated, wait_until

if TYPE_CHECKING:
    from llmdesk.core.views import LaneView
    from tests.support.fake_desk import Step
    from tests.support.screen import Seat

MINI = ModelRef("openai", "gpt-5-mini")
SMALL = ModelRef("local", "gemma3:4b")


@dataclass
class ManyModels(FakeDesk):
    """A desk that knows more models than its lanes do."""

    listed: tuple[ModelRow, ...] = field(
        default_factory=lambda: (
            ModelRow(provider="local", model=ModelInfo(name="gemma3:27b", size_bytes=17_000_000_000)),
            ModelRow(provider="local", model=ModelInfo(name="gemma3:4b", size_bytes=3_300_000_000)),
            ModelRow(provider="openai", model=ModelInfo(name="gpt-5-mini")),
            ModelRow(provider="local", model=ModelInfo(name="bge-m3", capabilities=frozenset({"embedding"}))),
        )
    )

    async def models(self, provider: str | None = None) -> tuple[ModelRow, ...]:
        return self.listed

    def lanes(self) -> tuple[LaneView, ...]:
        targets = (TargetStatus(target=CLOUD, skip="no key", message="no key"), TargetStatus(target=LOCAL))
        return tuple(replace(lane, targets=targets) for lane in super().lanes())


async def say(seat: Seat, text: str) -> None:
    await seat.ask(text)
    await wait_until(lambda: not seat.app.chat.talk.busy)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_picker_tells_states_and_sizes_and_the_choice_holds_for_one_prompt(size: tuple[int, int]) -> None:
    desk = ManyModels()
    async with seated(desk, size=size) as seat:
        await seat.type("draft ")
        await seat.press("alt+t")
        await seat.see("cloud/gpt-oss:120b +no key")
        await seat.see(r"local/gemma3:4b +3\.3 GB")
        assert "bge-m3" not in seat.text
        await seat.type("gpt5mini")
        await seat.see_gone("gemma3")
        await seat.press("enter")
        await seat.see("next prompt openai/gpt-5-mini")
        await seat.see("1 chat · next prompt openai/gpt-5-mini")
        await seat.type("x")
        assert seat.prompt == "draft x"
        await seat.press("enter")
        await seat.see_gone("next prompt")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await say(seat, "again")
        assert [ask.model for ask in desk.asks] == [MINI, None]


async def test_tab_takes_it_for_the_lane_and_the_way_back_is_offered() -> None:
    desk = ManyModels()
    async with seated(desk) as seat:
        await seat.press("alt+2", "alt+t")
        await seat.see("gpt-5-mini")
        await seat.type("mini")
        await seat.see_gone("gemma3")
        await seat.press("tab")
        await seat.see("2 codegen · openai/gpt-5-mini ─")
        await say(seat, "one")
        await seat.press("alt+1")
        await seat.see("1 chat ─")
        await say(seat, "two")
        await seat.press("alt+2", "alt+t")
        await seat.see("the lane's own targets again")
        await seat.press("alt+d")
        await seat.see("2 codegen ─")
        await say(seat, "three")
        assert [ask.model for ask in desk.asks] == [MINI, None, None]


async def test_by_mouse_the_header_opens_it_a_row_is_marked_and_a_way_is_chosen() -> None:
    desk = ManyModels()
    async with seated(desk) as seat:
        await seat.pilot.click("Header", offset=(seat.text.index("1 chat") + 1, 0))
        await seat.see("gpt-5-mini")
        rows = seat.text.split("\n")
        at = next(y for y, row in enumerate(rows) if "gpt-5-mini" in row)
        await seat.pilot.click(offset=(rows[at].index("gpt-5-mini"), at))
        await seat.see("▸ openai/gpt-5-mini")
        rows = seat.text.split("\n")
        at = next(y for y, row in enumerate(rows) if "tab in this lane" in row)
        await seat.pilot.click(offset=(rows[at].index("tab in this lane"), at))
        await seat.see("1 chat · openai/gpt-5-mini ─")
        assert seat.app.focused is seat.app.chat.talk.pane.prompt


async def test_escape_changes_nothing_and_gives_the_prompt_back() -> None:
    async with seated(ManyModels()) as seat:
        await seat.type("dra")
        await seat.press("alt+t")
        await seat.see("gpt-5-mini")
        await seat.press("escape")
        await seat.type("ft")
        assert seat.prompt == "draft"
        assert seat.app.chat.talk.outgoing.once is None


async def test_for_one_request_only_a_model_is_all_that_is_asked() -> None:
    picked: list[ModelRef | None] = []
    async with seated(ManyModels()) as seat:
        seat.app.chat.pick_model(lambda choice: picked.append(choice.model), once_only=True)
        await seat.see("gpt-5-mini")
        assert "from now on" not in seat.text
        await seat.press("down", "down", "enter")
        await wait_until(lambda: bool(picked))
        assert picked == [SMALL]


async def test_a_model_nobody_lists_can_be_written_out() -> None:
    async with seated(ManyModels()) as seat:
        await seat.press("alt+t")
        await seat.see("gpt-5-mini")
        await seat.type("openai/o9:new")
        await seat.see("no model is called so")
        await seat.press("enter")
        await seat.see("next prompt openai/o9:new")


async def test_a_cancelled_prompt_takes_its_model_back_with_it() -> None:
    steps: list[Step] = ["control"]
    desk = ManyModels(scripts=[steps, answer("there")])
    async with seated(desk) as seat:
        seat.app.chat.talk.outgoing.once = MINI
        await seat.ask("who")
        await wait_until(lambda: bool(desk.asks))
        await seat.press("escape")
        await seat.see("next prompt openai/gpt-5-mini")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.press("enter")
        await seat.see("there")
        assert [ask.model for ask in desk.asks] == [MINI, MINI]


async def test_the_command_names_a_model_for_the_lane_and_refuses_what_there_is_not() -> None:
    desk = ManyModels()
    async with seated(desk, size=(120, 30)) as seat:
        await seat.ask("/model nowhere/x")
        await wait_until(lambda: any("There is no provider 'nowhere'" in n.message for n in seat.app._notifications))
        await seat.ask("/model openai/gpt-5-mini")
        await seat.see("1 chat · openai/gpt-5-mini")
        await seat.ask("/model default")
        await seat.see("1 chat ─")


async def test_parameters_hold_in_their_lane_and_stand_in_the_header() -> None:
    desk = FakeDesk(scripts=[answer("so")])
    async with seated(desk, size=(120, 30)) as seat:
        await seat.ask("/params temperature=0 seed=7")
        await seat.see("1 chat · temperature 0 · seed 7 ─")
        await say(seat, "one")
        await seat.press("alt+2")
        await seat.see("2 codegen ─")
        await say(seat, "two")
        await seat.press("alt+1")
        await seat.ask("/params temperature=default")
        await seat.see("1 chat · seed 7 ─")
        await seat.ask("/reasoning high")
        await seat.see("1 chat · seed 7 · reasoning high ─")
        await seat.ask("/reasoning default")
        await seat.see("1 chat · seed 7 ─")
        await seat.ask("/params default")
        await seat.see("1 chat ─")
        await say(seat, "three")
        assert [ask.params for ask in desk.asks] == [Params(temperature=0, seed=7), Params(), Params()]


async def test_a_wrong_parameter_is_told_with_what_is_allowed() -> None:
    async with seated(FakeDesk(scripts=[["control"]]), size=(120, 30)) as seat:
        await seat.ask("/params temperature=3")
        await wait_until(lambda: any("from 0 to 2" in n.message for n in seat.app._notifications))
        assert "1 chat ─" in seat.text


@pytest.mark.parametrize(
    ("written", "then"),
    [
        ("top_p=0.5 top_k=3", Params(temperature=1, top_p=0.5, top_k=3)),
        ("temperature=default", Params()),
        ("temperature=default temperature=0.5", Params(temperature=0.5)),
        ('stop="END OF,TEXT" keep_alive=10m', Params(temperature=1, stop=("END OF", "TEXT"), keep_alive="10m")),
        ("max_output_tokens=5 context_tokens=8", Params(temperature=1, max_output_tokens=5, context_tokens=8)),
    ],
)
def test_parameters_are_laid_over_those_in_force(written: str, then: Params) -> None:
    assert changed(Params(temperature=1), written) == then


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("temperature", "write it as KEY=VALUE"),
        ("temperatur=1", "Did you mean temperature"),
        ("top_p=2", "from 0 to 1"),
        ("top_k=x", "whole number of at least 0"),
        ("reasoning=much", "one of off, low"),
        ("nothing=default", "no such parameter"),
        ("stop='a", "quotation mark"),
    ],
)
def test_what_is_no_parameter_is_refused_in_one_line(written: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as told:
        changed(Params(), written)
    assert "\n" not in str(told.value)
