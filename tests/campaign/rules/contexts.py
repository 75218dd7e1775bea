"""What models were shown: the conversation as it stands, and nothing that was thrown away (I18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.evidence import Served
    from tests.campaign.rules.lives import Life, Lives


FITS_CHARS = 4_000
"""Characters that fit into the window of every model here."""


def contexts(lives: Lives) -> Iterator[Violation]:
    """I18: earlier prompts of the conversation, each with its one whole answer, and then the prompt; nothing else."""
    by_number = {life.asked.number: life for life in lives.all}
    for life in lives.all:
        earlier = _earlier(life, by_number)
        for served in life.served:
            words = _fault(served, life, earlier)
            if words is not None:
                yield Violation(rule="I18", words=f"{life.name} at {served.provider}: {words}")
                break


def _earlier(life: Life, by_number: dict[int, Life]) -> list[Life]:
    """The turns before it in its conversation, oldest first.

    One that was killed before its conversation was told stands beside the next one, which then follows the same turn.
    """
    begun = _begun(life, by_number)
    return [each for number, each in sorted(by_number.items())
            if number < life.asked.number and _begun(each, by_number) == begun]  # fmt: skip


def _begun(life: Life, by_number: dict[int, Life]) -> int:
    """The number that its conversation began with."""
    while life.asked.follows is not None and (before := by_number.get(life.asked.follows)) is not None:
        life = before
    return life.asked.number


def _fault(served: Served, life: Life, earlier: list[Life]) -> str | None:
    if not served.messages:
        return None
    role, text = served.messages[-1]
    if role != "user" or not text.endswith(life.asked.prompt):
        return f"the newest message is {role}: {text[:60]!r}"
    prompts = [each.asked.prompt for each in earlier]
    said = [(role, part) for role, text in served.messages if role != "system"
            for part in (_parted(text, [*prompts, life.asked.prompt]) if role == "user" else [text])]  # fmt: skip
    if said[-1] != ("user", life.asked.prompt):
        return f"the newest message begins with {said[-1][1][:60]!r}"
    turns = _turns(said[:-1])
    if isinstance(turns, str):
        return turns
    last = -1
    for prompt, answer in turns:
        if prompt not in prompts:
            return f"{prompt[:60]!r} is of no turn of its conversation"
        place = prompts.index(prompt)
        if place <= last:
            return f"{prompt[:60]!r} stands in the wrong place"
        last = place
        whole = [each.text for each in earlier[place].served if each.marked and not each.error]
        if answer not in whole:
            return f"the answer {answer[:60]!r} is not one that a server completed for {prompt[:40]!r}"
    return _left_out(turns, earlier, served)


def _parted(text: str, prompts: list[str]) -> list[str]:
    """The prompts that stand in one message, as behind an empty answer on some wires; a foreign text stays whole."""
    parts, rest = list[str](), text
    for prompt in prompts:
        if rest.startswith(prompt):
            parts.append(prompt)
            rest = rest.removeprefix(prompt)
    return [text] if rest else parts


def _turns(messages: list[tuple[str, str]]) -> list[tuple[str, str]] | str:
    """Questions with their answers, and what is wrong where they are none; nothing is said for an empty answer."""
    turns: list[tuple[str, str]] = []
    before = "assistant"
    for role, text in messages:
        if role == "user":
            turns.append((text, ""))
        elif role != "assistant" or before != "user":
            return f"a message before the prompt is said by {role} behind {before}"
        else:
            turns[-1] = (turns[-1][0], text)
        before = role
    return turns


def _left_out(turns: list[tuple[str, str]], earlier: list[Life], served: Served) -> str | None:
    """Every turn that had been answered before this one was asked goes along, as far as it fits into any window."""
    shown = {prompt for prompt, _ in turns}
    room = FITS_CHARS
    for each in reversed(earlier):
        room -= len(each.asked.prompt) + max((len(one.text) for one in each.served), default=0)
        if room < 0:
            break  # it may be too long for its model, and so may what is older
        over = each.runs[-1].over
        row = each.row
        answered = row is not None and row.status == "completed" and row.record_text
        if answered and over is not None and over < served.at - 1.0 and each.asked.prompt not in shown:
            if any(run.began > served.at for run in each.runs):
                continue
            return f"the turn {each.asked.prompt[:40]!r} was left out"
    return None
