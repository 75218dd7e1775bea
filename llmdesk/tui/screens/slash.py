"""What each slash command does on the chat screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.core.views import Ask
from llmdesk.core.views import Level as Found
from llmdesk.tui.actions import ACTIONS
from llmdesk.tui.screens import acting, comparing, copying, retarget, shelving
from llmdesk.tui.screens.looking import SIGNS
from llmdesk.tui.transcript.entries import Level
from llmdesk.tui.words import cost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.tui.actions import Action
    from llmdesk.tui.commands import Command
    from llmdesk.tui.screens.lanes import LanedScreen

Do = Callable[["LanedScreen", str], Awaitable[None] | None]


async def run_command(chat: LanedScreen, command: Command, argument: str) -> None:
    """Do what the command says; a mistake in its argument is told, never raised."""
    try:
        do = DO.get(command.name)
        if do is None:
            action = COMMAND_ACTIONS[command.name]
            await chat.app.run_action(action.call, chat if action.scope == "chat" else None)
        elif (done := do(chat, argument)) is not None:
            await done
    except DeskError as error:
        chat.say(str(error), severity="error")


def _theme(chat: LanedScreen, argument: str) -> None:
    if argument:
        chat.house.use_theme(argument)
    else:
        chat.house.action_open_panel("themes")


async def _attach(chat: LanedScreen, argument: str) -> None:
    if argument == "none":
        chat.talk.attach(None)
    elif argument == "clipboard":
        await chat.run_action("attach_clipboard")
    else:
        await chat.attach(chat.talk, argument)


async def _find(chat: LanedScreen, words: str) -> None:
    await chat.run_action("find")
    line = chat.talk.pane.search
    if words and line is not None:
        line.input.value = words


async def _tokens(chat: LanedScreen) -> None:
    desk, talk = await chat.desk(), chat.talk
    plan = await desk.plan(
        Ask(
            prompt=talk.last_prompt or "?",
            lane=talk.lane,
            conversation=talk.conversation,
            model=talk.model,
            params=talk.params,
        )
    )
    told = f"About {plan.input_tokens} tokens would go out with the next prompt."
    first = next((target for target in plan.targets if not target.skip), None)
    if first is not None and first.cost_bound_usd is not None:
        bound = cost(first.cost_bound_usd)
        told += f" {first.target} would answer for {bound if bound == 'free' else f'{bound} at most'}."
    talk.record.note(one_line(told), Level.INFO)


async def _doctor(chat: LanedScreen) -> None:
    desk = await chat.desk()
    findings = await desk.doctor()
    lines = ["doctor"]
    for finding in findings:
        lines.append(f"{SIGNS[finding.level]} {finding.topic}: {one_line(finding.text, 400)}")
        if finding.hint:
            lines.append(f"    {one_line(finding.hint, 400)}")
    bad = any(finding.level is Found.PROBLEM for finding in findings)
    chat.talk.record.note("\n".join(lines), Level.WARNING if bad else Level.INFO)


COMMAND_ACTIONS: Mapping[str, Action] = {
    action.command: action for action in reversed(ACTIONS) if action.command and action.scope in ("desk", "chat")
}
"""What the commands do that only stand for an action of the same meaning; the first one where there are several."""

DO: Mapping[str, Do] = {
    "lane": lambda chat, name: chat.go_to_lane(name),
    "model": retarget.model,
    "params": retarget.params,
    "conversations": lambda chat, words: chat.house.show_conversations(words),
    "compare": comparing.compare,
    "find": _find,
    "rename": shelving.rename,
    "tag": shelving.tag,
    "pin": shelving.pin,
    "archive": shelving.archive,
    "delete": shelving.delete,
    "export": acting.export,
    "import": lambda chat, path: chat.follow(lambda: shelving.import_(chat, path)),
    "copy": copying.copy,
    "retry": acting.retry,
    "compact": acting.compact,
    "tokens": lambda chat, _: _tokens(chat),
    "theme": _theme,
    "reasoning": retarget.reasoning,
    "attach": _attach,
    "doctor": lambda chat, _: chat.follow(lambda: _doctor(chat)),
}
"""What runs for the commands that take an argument or have no action.

A coroutine is awaited, and nothing is drawn meanwhile: what takes long goes beside the screen.
"""
