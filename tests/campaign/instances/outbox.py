"""Outbox: whoever claims, each paused request is asked once and answered once, claimers killed or not (I1, I2, I19)."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.campaign.evidence import Violation
from tests.campaign.instances.crowd import Crowd, together
from tests.campaign.instances.house import MODEL, answer_to, house, saying
from tests.campaign.instances.judge import home_kept, rows, told_well
from tests.campaign.instances.report import Report
from tests.support.fault_server import Mark, Play, chat_chunk, error, line

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.campaign.instances.crowd import Ended
    from tests.campaign.instances.house import Call, House

RETRY = ("outbox", "retry", "--json", "--no-stream")


def play(folder: Path, dice: random.Random, at_once: int, seed: int) -> Report:
    """Requests that nobody could answer, then as many claimers at once; some die in mid-answer, some at any time."""
    prompts = [f"wish {order} of {seed}" for order in range(max(3, at_once // 2 + dice.randint(0, 3)))]
    doomed: set[int] = set()
    healthy = False

    def decide(call: Call) -> Play:
        if not healthy:
            return error(503, "busy")
        if call.who in doomed:
            return Play(body=(line(chat_chunk("half an", model=MODEL)), Mark.HOLD))
        return replace(saying(answer_to(call.provider, call.prompt)), before=(dice.choice((0.0, 0.02, 0.2)),))

    with house(folder, ["cloud"], decide) as opened:
        opened.configure({"chat": ["cloud"]})
        paused = together(opened.world, [("exec", "--json", prompt) for prompt in prompts])
        waiting = [entry["prompt"] for entry in _outbox(opened)]
        healthy, opened.calls[:] = True, []
        killed, ended = 0, []
        with Crowd(opened.world, held=dice.random() < 0.7, first=100) as crowd:
            for _ in range(at_once):
                crowd.start(*RETRY)
            if dice.random() < 0.8:
                everybody = [who for who, _, _ in crowd.started]
                doomed |= set(dice.sample(everybody, k=max(1, at_once // 4)))
            crowd.go()
            _kill(opened, crowd, doomed, dice)
            ended += crowd.ended()
        killed = sum(each.killed for each in ended)
        for last in range(3):
            if not _outbox(opened):
                break
            ended += together(opened.world, [RETRY], first=200 + last)
        return Report(
            name="outbox claimed once",
            seed=seed,
            processes=len(paused) + len(ended),
            killed=killed,
            calls=len(opened.calls),
            told=f"{len(prompts)} waited",
            violations=(
                *home_kept(opened.world),
                *told_well([*paused, *ended]),
                *_paused(prompts, paused, waiting),
                *_once(opened, prompts, ended),
            ),
        )


def _outbox(opened: House) -> list[dict[str, Any]]:
    (listed,) = together(opened.world, [("outbox", "list", "--json")], first=9000)
    return listed.records


def _kill(opened: House, crowd: Crowd, doomed: set[int], dice: random.Random) -> None:
    """SIGKILL each doomed one when a server keeps it waiting, or anywhere else it is after some time."""
    patience = time.monotonic() + 1.0 + dice.random() * 3
    while left := doomed & set(crowd.running()):
        held = {call.who for call in list(opened.calls)}
        for who in left:
            if who in held or time.monotonic() > patience:
                crowd.kill(who)
        time.sleep(0.01)


def _paused(prompts: list[str], paused: list[Ended], waiting: list[str]) -> Iterator[Violation]:
    if codes := {each.code for each in paused} - {5}:
        yield Violation(rule="I1", words=f"requests that nobody could answer ended with {sorted(codes)}")
    if sorted(waiting) != sorted(prompts):
        yield Violation(rule="I2", words=f"{len(prompts)} were asked, in the outbox are {waiting}")


def _once(opened: House, prompts: list[str], ended: list[Ended]) -> Iterator[Violation]:
    killed = {each.who for each in ended if each.killed}
    told = Counter(record["text"] for each in ended for record in each.records if record.get("status") == "completed")
    stored = rows(
        opened.world.database,
        """SELECT r.prompt, r.status,
               (SELECT count(*) FROM attempts a WHERE a.request = r.id AND a.outcome = 'completed') AS completed,
               (SELECT group_concat(m.content, '|') FROM messages m
                WHERE m.conversation = r.conversation AND m.role = 'assistant') AS answer
           FROM requests r""",
    )
    by_prompt = {row["prompt"]: row for row in stored}
    for prompt in prompts:
        calls = opened.of(prompt)
        living = [call for call in calls if call.who not in killed]
        if len(living) > 1 or len({call.who for call in calls}) != len(calls):
            yield Violation(rule="I1", words=f"{prompt!r} was asked by {[call.who for call in calls]}")
        row = by_prompt.get(prompt, {})
        if (row.get("status"), row.get("completed")) != ("completed", 1):
            yield Violation(
                rule="I2", words=f"{prompt!r} is {row.get('status')}, {row.get('completed')} times completed"
            )
        if row.get("answer") != answer_to("cloud", prompt):
            yield Violation(rule="I1", words=f"{prompt!r} was answered {row.get('answer')!r}")
        if told[answer_to("cloud", prompt)] > 1:
            yield Violation(rule="I1", words=f"{prompt!r} was told to be completed more than once")
    if len(stored) != len(prompts):
        yield Violation(rule="I2", words=f"{len(stored)} requests of {len(prompts)}")
