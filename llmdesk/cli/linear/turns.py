"""What can be done with answers: asked again, gone on with, kept in a file; and the requests that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.cli.linear.files import file_of
from llmdesk.cli.linear.shelving import opened
from llmdesk.cli.new_file import write_new
from llmdesk.cli.times import clock
from llmdesk.core.errors import UsageError
from llmdesk.core.fences import blocks
from llmdesk.core.text import one_line
from llmdesk.core.types import ModelRef, Role, Status

if TYPE_CHECKING:
    from llmdesk.cli.linear.conversation import Linear
    from llmdesk.core.views import Conversation, OutboxEntry, StoredMessage


async def _last(linear: Linear, role: Role) -> tuple[Conversation, StoredMessage]:
    """The open conversation and the newest message of a role in it."""
    found = await linear.desk.conversation(opened(linear))
    standing = [m for m in found.messages if m.superseded_by is None and m.role is role and m.request is not None]
    if not standing:
        raise UsageError("There is no answer yet." if role is Role.ASSISTANT else "There is no prompt yet.")
    return found, standing[-1]


async def copy(linear: Linear, argument: str) -> None:
    """Write the last answer, or its last code block, to a new file; a stream of lines has no clipboard."""
    first, _, rest = argument.partition(" ")
    name = rest.strip() if first == "code" else argument
    if not name:
        raise UsageError("/copy: to which file? For example: /copy answer.md")
    text = linear.talk.outcome.text if linear.talk.outcome is not None else ""
    text = text or (await _last(linear, Role.ASSISTANT))[1].content
    if first == "code":
        if not (code := list(blocks(text))):
            raise UsageError("The last answer has no code block.")
        text = code[-1]
    path = file_of(name)
    write_new(path, text)
    linear.out.say(f"written: {path}")


async def retry(linear: Linear, argument: str) -> None:
    """Ask the last prompt again: the paused request, or its turn anew."""
    outcome = linear.talk.outcome
    if outcome is not None and outcome.status is Status.PAUSED and outcome.kept and not argument:
        await linear.follow(await linear.desk.retry(outcome.request_id, consent=linear.session.yes))
        return
    await _again(linear, model=ModelRef.parse(argument) if argument else None)


async def edit(linear: Linear, prompt: str) -> None:
    """Ask another prompt in the place of the last one."""
    if not prompt:
        _, message = await _last(linear, Role.USER)
        linear.out.say(f"the last prompt: {one_line(message.content, 2_000)}")
        raise UsageError("/edit: write the whole prompt that is to take its place.")
    await _again(linear, prompt=prompt)


async def _again(linear: Linear, *, prompt: str | None = None, model: ModelRef | None = None) -> None:
    conversation, message = await _last(linear, Role.USER)
    talk = linear.talk
    assert message.request is not None
    run = await linear.desk.again(
        conversation.id, message.request, prompt=prompt, lane=linear.lane, model=model or talk.model, params=talk.params
    )
    await linear.follow(run)


async def continue_answer(linear: Linear, _argument: str) -> None:
    """Let an answer that broke off go on: what came of it is sent along."""
    conversation, message = await _last(linear, Role.ASSISTANT)
    talk = linear.talk
    assert message.request is not None
    run = await linear.desk.go_on(
        conversation.id, message.request, lane=linear.lane, model=talk.model, params=talk.params
    )
    await linear.follow(run)


async def fork(linear: Linear, _argument: str) -> None:
    """Go on from here in a new conversation; this one stays as it is."""
    made = await linear.desk.fork(opened(linear))
    linear.talk.conversation = made.id
    linear.out.say(f"conversation: {made.title}, lane {linear.lane}, a copy of the one before")


async def compact(linear: Linear, _argument: str) -> None:
    """Let the model sum the conversation up; from then on its summary is sent in place of what it sums up."""
    await linear.follow(await linear.desk.compact(opened(linear), lane=linear.lane))


async def outbox(linear: Linear, argument: str) -> None:
    """Read the paused requests out, ask one again, or drop it."""
    entries = await linear.desk.outbox()
    word, _, which = argument.partition(" ")
    if not word:
        for number, entry in enumerate(entries, start=1):
            linear.out.say(f"{number}: {_entry(entry, linear.session.now())}")
        if entries:
            linear.out.say("/outbox retry NUMBER asks again, now also while a provider rests, drop forgets it.")
        else:
            linear.session.nothing(linear.desk, "The outbox is empty.")
        return
    if word not in ("retry", "now", "drop"):
        raise UsageError("/outbox: write retry, now or drop, and a number.")
    entry = _chosen(entries, which.strip())
    if word == "drop":
        await linear.desk.drop(entry.id)
        linear.out.say(f'dropped: "{one_line(entry.prompt, 60)}"')
        return
    run = await linear.desk.retry(entry.id, probe=word == "now", consent=linear.session.yes)
    if entry.lane in [view.name for view in linear.desk.lanes()]:
        linear.lane = entry.lane
    await linear.follow(run)


def _entry(entry: OutboxEntry, now: float) -> str:
    when = f", next try {clock(entry.next_try_at, now)}" if entry.next_try_at is not None else ""
    return f'"{one_line(entry.prompt, 60)}", lane {entry.lane}, {entry.reason or "paused"}{when}'


def _chosen(entries: tuple[OutboxEntry, ...], which: str) -> OutboxEntry:
    if which.isdecimal() and 0 < int(which) <= len(entries):
        return entries[int(which) - 1]
    found = [entry for entry in entries if which and entry.id.startswith(which)]
    if len(found) != 1 and (which or len(entries) != 1):
        raise UsageError("/outbox: which one? /outbox lists them by number.")
    return found[0] if found else entries[0]
