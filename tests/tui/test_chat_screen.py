from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ConfigurationError, ErrorKind
from llmdesk.core.types import (
    AttemptFailed,
    AttemptStarted,
    ConsentNeeded,
    Finished,
    FinishReason,
    ReasoningDelta,
    Role,
    Status,
    TextDelta,
    Usage,
    Waiting,
)
from llmdesk.core.views import Finding, Level, StoredMessage
from tests.support.fake_desk import (
    CLOUD,
    LOCAL,
    FakeDesk,
    answer,
    failed,
    failover,
    outcome,
    paused,
    stored_conversation,
)
from tests.support.screen import seated, wait_until
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from tests.support.fake_desk import (
        Step,
    )
    from tests.support.screen import Seat


async def test_the_prompt_takes_keys_before_the_desk_is_open_and_the_request_waits_for_it() -> None:
    desk = FakeDesk(opening=asyncio.Event())
    async with seated(desk, wait=False) as seat:
        await seat.ask("first words")
        await seat.see("first words")
        assert desk.asks == []
        assert desk.opening is not None
        desk.opening.set()
        await seat.see("Hello there.")
        assert [ask.prompt for ask in desk.asks] == ["first words"]


async def test_an_answer_streams_and_says_who_gave_it() -> None:
    async with seated(FakeDesk(scripts=[answer("Forty two.")])) as seat:
        await seat.ask("how many")
        await seat.see("✔ full")
        assert "how many" in seat.text
        assert "Forty two." in seat.text
        assert "local · gemma3:27b · 1.9 s · 208 tok/s · 312 tok · free" in seat.text


async def test_an_answer_cut_by_its_limit_is_marked() -> None:
    ended = Finished(outcome=outcome(text="half", finish_reason=FinishReason.LENGTH))
    steps = [AttemptStarted(number=1, target=LOCAL), TextDelta("half"), ended]
    async with seated(FakeDesk(scripts=[steps]), size=(120, 30)) as seat:
        await seat.ask("x")
        await seat.see("cut by limit")


async def test_a_failover_leaves_a_seam_with_the_reason() -> None:
    async with seated(FakeDesk(scripts=[failover("From here.")])) as seat:
        await seat.ask("x")
        await seat.see("⤷ cloud: rate limited → answering with gemma3:27b")
        await seat.see("From here.")


async def test_the_text_of_a_failed_attempt_collapses() -> None:
    broken = failed(kind=ErrorKind.TRUNCATED)
    steps = [
        AttemptStarted(number=1, target=CLOUD),
        TextDelta("void words"),
        AttemptFailed(attempt=broken),
        *answer("whole"),
    ]
    async with seated(FakeDesk(scripts=[steps])) as seat:
        await seat.ask("x")
        await seat.see("✔ full")
        assert "void words" not in seat.text
        assert "discarded text" in seat.text


async def test_the_tokens_of_reasoning_are_those_that_the_provider_counted() -> None:
    usage = Usage(output_tokens=400, reasoning_tokens=312)
    ended = Finished(outcome=outcome(text="so", usage=usage))
    steps = [AttemptStarted(number=1, target=LOCAL), ReasoningDelta("thoughts"), TextDelta("so"), ended]
    async with seated(FakeDesk(scripts=[steps])) as seat:
        await seat.ask("x")
        await seat.see(r"reasoning \(312 tokens\)")


async def test_reasoning_is_folded() -> None:
    steps = [AttemptStarted(number=1, target=LOCAL), ReasoningDelta("secret thoughts"), *answer("so")[1:]]
    async with seated(FakeDesk(scripts=[steps])) as seat:
        await seat.ask("x")
        await seat.see("✔ full")
        assert "reasoning" in seat.text
        assert "secret thoughts" not in seat.text


async def test_a_prompt_typed_while_an_answer_comes_is_queued_in_sight_and_sent_after_it() -> None:
    gate = asyncio.Event()
    desk = FakeDesk(scripts=[[AttemptStarted(number=1, target=LOCAL), gate, *answer("one")[1:]], answer("two")])
    async with seated(desk) as seat:
        await seat.ask("first")
        await seat.ask("second")
        await seat.see("queued 1 second")
        assert len(desk.asks) == 1
        gate.set()
        await seat.see("two")
        assert [ask.prompt for ask in desk.asks] == ["first", "second"]
        assert "queued" not in seat.text


@pytest.mark.parametrize("held", [False, True])
async def test_leaving_pauses_the_queued_prompts_too_in_their_order(held: bool) -> None:
    desk = FakeDesk(scripts=[[AttemptStarted(number=1, target=LOCAL), TextDelta("words"), "control"], ["control"]] * 2)
    async with seated(desk) as seat:
        await seat.ask("first")
        await seat.see("words")
        await seat.ask("second")
        await seat.ask("third")
        await seat.see("queued 2 third")
        if held:
            await seat.press("escape")
            await wait_until(lambda: not seat.app.chat.talk.busy)
        seat.app.leave(asked=True)
        await wait_until(lambda: len(desk.asks) == 3)
    assert [ask.prompt for ask in desk.asks] == ["first", "second", "third"]
    assert [run.controls for run in desk.runs] == [["cancel" if held else "keep"], ["keep"], ["keep"]]
    assert desk.asks[1].conversation == desk.asks[2].conversation is not None


async def test_escape_keeps_what_came_gives_the_prompt_back_and_holds_the_queue() -> None:
    desk = FakeDesk(
        scripts=[[AttemptStarted(number=1, target=LOCAL), TextDelta("partial words"), "control"], answer("two")]
    )
    async with seated(desk) as seat:
        await seat.ask("first")
        await seat.see("partial words")
        await seat.ask("second")
        pressed = time.monotonic()
        await seat.press("escape")
        await seat.see("interrupted")
        assert time.monotonic() - pressed < allowed(0.5)
        assert desk.runs[0].controls == ["cancel"]
        assert "partial words" in seat.text
        assert seat.prompt == "first"
        await seat.see("alt.g send them")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        assert len(desk.asks) == 1
        await seat.press("alt+g")
        await seat.see("two")


async def test_escape_never_overwrites_a_draft() -> None:
    async with seated(FakeDesk(scripts=[[AttemptStarted(number=1, target=LOCAL), "control"]])) as seat:
        await seat.ask("first")
        await seat.type("draft")
        await seat.press("escape")
        await seat.see("Cancelled")
        assert seat.prompt == "draft"


async def see_counted(seat: Seat, words: str, until: float) -> None:
    """Wait until the screen shows these words and how long it is until then, give or take the second it is drawn in."""

    def counted() -> bool:
        left = re.search(rf"{words} (\d+):(\d\d)", seat.text)
        return left is not None and abs(60 * int(left[1]) + int(left[2]) - (until - time.time())) < 2

    await wait_until(counted, f"{words}, counted")


async def test_waiting_says_what_for_and_until_when_and_offers_ways_out_that_type_nothing() -> None:
    until = time.time() + 90
    steps = [
        AttemptStarted(number=1, target=CLOUD),
        Waiting(until=until, reason="server", target=CLOUD),
        "control",
    ]
    desk = FakeDesk(scripts=[[*steps, *answer("back")]])
    async with seated(desk) as seat:
        await seat.ask("x")
        await see_counted(seat, r"cloud: server failed, next try \d+:\d+ in", until)
        await seat.type("rn")
        assert seat.prompt == "rn"
        assert desk.runs[0].controls == []
        await seat.press("alt+r")
        await seat.see("back")
        assert desk.runs[0].controls == ["retry"]
        assert seat.prompt == "rn"


@pytest.mark.parametrize(
    ("left_s", "says"),
    [(90, r"its rate_limit is reached, next try \d+:\d+ in"), (None, "waits until another")],
)
async def test_a_wait_for_the_users_own_limit_offers_another_target_and_not_to_break_it(
    left_s: float | None, says: str
) -> None:
    until = time.time() + left_s if left_s is not None else None
    desk = FakeDesk(scripts=[[Waiting(until=until, reason="rate limit", target=CLOUD), "control", *answer("x")]])
    async with seated(desk) as seat:
        await seat.ask("x")
        await (see_counted(seat, says, until) if until is not None else seat.see(says))
        await seat.see("alt.n next target")
        assert "retry now" not in seat.text
        await seat.press("alt+n")
        await seat.see("✔ full")


async def test_next_target_leaves_the_wait() -> None:
    desk = FakeDesk(scripts=[[Waiting(until=time.time() + 90, reason="server", target=CLOUD), "control", *answer("x")]])
    async with seated(desk) as seat:
        await seat.ask("x")
        await seat.see("alt.n next target")
        await seat.press("alt+n")
        await seat.see("✔ full")
        assert desk.runs[0].controls == ["next"]


@pytest.mark.parametrize(("key", "word"), [("alt+y", "yes"), ("alt+p", "no")])
async def test_consent_is_one_key_and_takes_no_letter(key: str, word: str) -> None:
    desk = FakeDesk(scripts=[[ConsentNeeded(target=LOCAL, failed=failed()), "control", *answer("so")]])
    async with seated(desk) as seat:
        await seat.ask("x")
        await seat.see("cloud/gpt-oss:120b: rate limited. Ask local/gemma3:27b instead")
        await seat.type("y")
        assert desk.runs[0].controls == []
        await seat.press(key)
        await wait_until(lambda: desk.runs[0].controls == [word])


async def test_a_paused_request_says_where_it_is_and_can_be_probed() -> None:
    script = paused(60)
    assert isinstance(script[-1], Finished)
    until = script[-1].outcome.next_try_at
    assert until is not None
    desk = FakeDesk(scripts=[script, answer("at last")])
    async with seated(desk) as seat:
        await seat.ask("x")
        await seat.see("Nobody could answer now")
        await seat.see("waits in the outbox")
        await see_counted(seat, "comes back in", until)
        await seat.press("alt+r")
        await seat.see("at last")
        assert desk.retried == [("request-1", True)]


@pytest.mark.parametrize(("resume", "told"), [("ask", "can be asked again now"), ("never", "f7 shows the outbox")])
async def test_when_the_wait_is_over_the_screen_does_nothing_by_itself(resume: str, told: str) -> None:
    desk = FakeDesk(scripts=[paused(0.5), answer("at last")], resume=resume)
    async with seated(desk) as seat:
        await seat.ask("x")
        await seat.see("Nobody could answer now")
        await seat.see(told)
        assert ("[alt+r" in seat.text) == (resume == "ask")
        assert desk.retried == []


async def test_a_failed_request_gives_the_prompt_back() -> None:
    from llmdesk.core.types import Failure

    bad = outcome(Status.FAILED, text="", target=None, error=Failure(kind=ErrorKind.REQUEST, message="Too long."))
    async with seated(FakeDesk(scripts=[[Finished(outcome=bad)]])) as seat:
        await seat.ask("my prompt")
        await seat.see("Too long.")
        assert seat.prompt == "my prompt"


async def test_loading_a_model_is_said() -> None:
    async with seated(FakeDesk(scripts=[[AttemptStarted(number=1, target=LOCAL, loading=True), "control"]])) as seat:
        await seat.ask("x")
        await seat.see("loading gemma3:27b…")


def cut(left_out_turns: int, text: str) -> list[Step]:
    return [AttemptStarted(number=1, target=LOCAL, left_out_turns=left_out_turns), *answer(text)[1:]]


async def test_where_the_sent_part_begins_is_shown_and_turns_without_an_answer_do_not_count() -> None:
    nothing = [AttemptStarted(number=1, target=LOCAL), Finished(outcome=outcome(Status.REFUSED, text="I will not."))]
    scripts = [answer("one"), nothing, answer("two"), answer("three"), cut(2, "four"), answer("five")]
    async with seated(FakeDesk(scripts=scripts), size=(100, 50)) as seat:
        for text in ("first", "left alone", "second", "third", "fourth"):
            await seat.ask(text)
            await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.see(r"what is sent begins here · you · [^\n]*\n *third")
        await seat.ask("fifth")
        await seat.see_gone("what is sent begins here")


async def test_where_the_sent_part_begins_is_right_in_a_stored_conversation_too() -> None:
    messages = [
        message
        for number, mark in enumerate(("full", "interrupted", "cut by limit", "full"))
        for message in (
            StoredMessage(id=2 * number, role=Role.USER, content=f"q{number}", created_at=1.0, request=f"r{number}"),
            StoredMessage(
                id=2 * number + 1, role=Role.ASSISTANT, content=f"a{number}", created_at=1.0, request=f"r{number}",
                completeness=mark,
            ),
        )
    ]  # fmt: skip
    stored = replace(stored_conversation(), messages=tuple(messages))
    desk = FakeDesk(stored={"conversation-1": stored}, scripts=[cut(2, "new")])
    async with seated(desk, conversation="conversation-1", size=(100, 50)) as seat:
        await seat.see("a3")
        await seat.ask("q4")
        await seat.see(r"what is sent begins here · you · [^\n]*\n *q3")


async def test_each_lane_keeps_its_draft_and_its_stream_and_shows_a_badge() -> None:
    gate = asyncio.Event()
    slow = [
        AttemptStarted(number=1, target=LOCAL),
        TextDelta("slow"),
        gate,
        TextDelta(" end"),
        Finished(outcome=outcome(text="slow end")),
    ]
    async with seated(FakeDesk(scripts=[slow, answer("quick")])) as seat:
        await seat.ask("one")
        await seat.see("slow")
        await seat.type("draft one")
        await seat.press("alt+2")
        await seat.see("─ 2 codegen ─")
        assert "1 chat…" in seat.text
        await seat.ask("two")
        await seat.see("quick")
        gate.set()
        await seat.see("1 chat✓")
        await seat.press("ctrl+pageup")
        await seat.see("slow end")
        assert seat.prompt == "draft one"
        assert "1 chat✓" not in seat.text


async def test_the_lane_picker_takes_a_digit_or_letters() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.press("f2")
        await seat.see("Press a lane")
        await seat.press("4")
        await seat.see("─ 4 critic ─")
        await seat.press("f2", "p")
        await seat.see("─ 5 planner ─")
        await seat.press("f2", "c", "o")
        await seat.see("─ 2 codegen ─")


@pytest.mark.parametrize("keys", [("enter",), (), ("escape", "escape")])
async def test_a_lane_typed_whole_and_in_haste_is_picked_once(keys: tuple[str, ...]) -> None:
    async with seated(FakeDesk()) as seat:
        await seat.press("f2", *"reviewer", *keys)
        await seat.see("─ 1 chat ─" if keys and keys[0] != "enter" else "─ 7 reviewer ─")
        assert seat.prompt == ""


async def test_the_lane_picker_takes_no_character_for_a_digit_that_is_none() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.press("f2")
        await seat.see("Press a lane")
        await seat.press("²", "escape", "f2", "2")
        await seat.see("─ 2 codegen ─")


async def test_a_letter_typed_right_after_a_lane_key_goes_to_that_lane() -> None:
    async with seated(FakeDesk()) as seat:
        await seat.press("a", "alt+3", "b", "alt+1")
        await seat.see("─ 1 chat ─")
        assert seat.prompt == "a"
        assert seat.app.chat.talks["repair"].pane.prompt.text == "b"


async def test_the_first_card_says_what_is_missing_and_takes_no_key() -> None:
    missing = (
        Finding(topic="local", level=Level.PROBLEM, text="Ollama does not answer.", hint="Run: ollama serve"),
        Finding(topic="cloud", level=Level.NOTE, text="No key.", hint="Set OLLAMA_API_KEY"),
        Finding(topic="demo", level=Level.NOTE, text="See it work first.", hint="llmdesk demo"),
    )
    async with seated(FakeDesk(findings=missing, can_answer=False)) as seat:
        await seat.see("Run: ollama serve")
        assert "llmdesk demo" in seat.text
        await seat.type("typed")
        assert seat.prompt == "typed"


async def test_a_stored_conversation_is_shown_and_continued() -> None:
    desk = FakeDesk(stored={"conversation-1": stored_conversation()})
    async with seated(desk, conversation="conversation-1") as seat:
        await seat.see("Here is a parser.")
        assert "Parse the log file" in seat.text
        assert "rate limited → answering" in seat.text
        await seat.ask("more")
        await wait_until(lambda: bool(desk.asks))
        assert desk.asks[0].conversation == "conversation-1"
        assert desk.asks[0].lane == "codegen"


async def test_the_latest_conversation_can_be_resumed() -> None:
    async with seated(FakeDesk(stored={"conversation-1": stored_conversation()}), latest=True) as seat:
        await seat.see("Here is a parser.")


@pytest.mark.parametrize("how", [{"conversation": "conversation-1"}, {"latest": True}])
async def test_a_prompt_typed_before_the_desk_is_open_continues_the_asked_conversation(how: dict[str, object]) -> None:
    desk = FakeDesk(stored={"conversation-1": stored_conversation()}, opening=asyncio.Event())
    async with seated(desk, wait=False, **how) as seat:  # type: ignore[arg-type]
        await seat.ask("and then")
        await seat.see("and then")
        assert desk.opening is not None
        desk.opening.set()
        await seat.see("Here is a parser(.|\n)*and then(.|\n)*Hello there.")
        assert [(ask.prompt, ask.conversation, ask.lane) for ask in desk.asks] == [
            ("and then", "conversation-1", "codegen")
        ]
        assert seat.app.chat.talk is seat.app.chat.talks["codegen"]


async def test_a_conversation_that_does_not_exist_holds_no_prompt_back() -> None:
    desk = FakeDesk(opening=asyncio.Event())
    async with seated(desk, wait=False, conversation="nowhere") as seat:
        await seat.ask("first words")
        assert desk.opening is not None
        desk.opening.set()
        await seat.see("There is no conversation nowhere")
        await seat.see("Hello there.")
        assert [ask.conversation for ask in desk.asks] == [None]


async def test_a_new_conversation_leaves_the_running_answer_to_the_desk() -> None:
    gate = asyncio.Event()
    desk = FakeDesk(
        scripts=[[AttemptStarted(number=1, target=LOCAL), TextDelta("old"), gate, *answer("x")[1:]], answer("new one")]
    )
    async with seated(desk) as seat:
        await seat.ask("first")
        await seat.see("old")
        await seat.press("ctrl+n")
        await seat.see_gone("old")
        await seat.ask("second")
        await seat.see("new one")
        gate.set()
        await wait_until(desk.runs[0]._outcome.done)
        assert desk.runs[0].controls == []
        assert desk.asks[1].conversation is None


async def test_a_desk_that_cannot_be_opened_ends_the_screen_with_its_reason() -> None:
    error = ConfigurationError(("llmdesk.yaml:1:1: bad",))
    async with seated(FakeDesk(open_error=error), wait=False) as seat:
        await wait_until(lambda: seat.app.failure is error)


HOSTILE = "\x1b]52;c;aGFja2Vk\x07 [/red] [b +]( [@click=app.quit]x[/] \x9b31m \u202eabc"


@pytest.mark.usefixtures("without_net")
async def test_hostile_text_is_shown_as_text_everywhere_on_the_chat_screen() -> None:
    desk = FakeDesk(
        scripts=[answer(HOSTILE)], warnings=(HOSTILE,), findings=(Finding(topic="t", level=Level.OK, text=HOSTILE),)
    )
    async with seated(desk) as seat:
        await seat.see(r"\[/red\]")
        seat.app.chat.talk.pane.prompt.put(HOSTILE)
        await seat.press("enter")
        await seat.see("✔ full")
        seat.app.say(HOSTILE, severity="error")
        await seat.pilot.pause()
        assert "\x1b" not in seat.text
        assert "\x9b" not in seat.text
        assert "[@click=app.quit]" in seat.text


@pytest.mark.parametrize("size", [(80, 24), (60, 12), (20, 5), (10, 3), (2, 2), (200, 60)])
async def test_any_size_works(size: tuple[int, int]) -> None:
    async with seated(FakeDesk(scripts=[failover("words")]), size=size) as seat:
        await seat.ask("x")
        await wait_until(lambda: not seat.app.chat.talk.busy)
        await seat.press("slash", "escape", "f6", "escape", "f1", "escape")
        assert seat.app.is_running


async def test_the_sidebar_folds_by_width_and_shows_whole_panels_only() -> None:
    async with seated(FakeDesk(), size=(87, 24)) as seat:
        assert "outbox ──" not in seat.text
        await seat.pilot.resize_terminal(88, 24)
        await seat.see("outbox ──")
        await seat.see(r"● local +3 models\n")
        assert seat.app.chat.query_one("#sidebar").size.width < 22
        await seat.pilot.resize_terminal(100, 24)
        await seat.see(r"metrics \(chat, 1 h\) ──")
        await seat.pilot.resize_terminal(100, 9)
        await seat.see_gone("metrics")
        assert "outbox ──" in seat.text
        assert "● cloud" in seat.text


async def test_a_panel_of_the_sidebar_opens_in_full_when_it_is_clicked() -> None:
    async with seated(FakeDesk(), size=(120, 30)) as seat:
        await seat.see("outbox ──")
        await seat.pilot.click("#outbox")
        await seat.see("outbox: paused requests")
