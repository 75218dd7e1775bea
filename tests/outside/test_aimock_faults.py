"""Faults thrown by a server that nobody here wrote: the next target answers, and the class is the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.core.types import Status
from llmdesk.core.views import Ask
from tests.outside import aimock
from tests.outside.aimock import TEXTS, Scope
from tests.outside.asking import (
    KEY,
    KEY_VARIABLE,
    Told,
    configuration,
    open_desk,
    story,
    write_configuration,
)
from tests.outside.test_aimock_wires import BASE_PATHS, WIRES
from tests.support.exec_world import exec_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.outside.programs import Program

SEED = 20
ROUNDS = 24


def told(name: str, kind: str, scope: Scope) -> Told:
    return Told(name=name, kind=kind, base_url=scope.server.url + BASE_PATHS[kind], headers=scope.headers)


def expected(kind: str, fault: str) -> list[tuple[str, str]]:
    """What must be tried: a limit is repeated once after its hint, where the kind allows that; the rest three times."""
    tries, reason = {
        "rateLimitRate": (1 if kind == "ollama" else 2, "rate"),
        "dropRate": (3, "server"),
        "disconnectRate": (3, "net"),
        "malformedRate": (3, "truncated"),
    }[fault]
    return [("first", reason)] * tries + [("second", "completed")]


@pytest.mark.parametrize("fault", ["rateLimitRate", "dropRate", "disconnectRate", "malformedRate"])
@pytest.mark.parametrize("kind", WIRES)
async def test_a_target_that_always_fails_this_way_is_left_for_the_next(
    kind: str, fault: str, scope: Callable[[], Scope], tmp_path: Path
) -> None:
    bad, good = scope(), scope()
    bad.faults(**{fault: 1.0})
    async with open_desk(tmp_path, told("first", kind, bad), told("second", kind, good)) as desk:
        outcome = await desk.send(Ask(prompt="Name some rivers.")).outcome()
    assert outcome.status is Status.COMPLETED
    assert outcome.text == TEXTS["rivers"]
    assert story(outcome) == expected(kind, fault)
    assert len(bad.journal()) == len(outcome.attempts) - 1
    assert len(good.journal()) == 1


async def test_a_limit_is_kept_by_the_requests_that_follow(scope: Callable[[], Scope], tmp_path: Path) -> None:
    """The server's own journal shows it, and it asked for one second only."""
    limited, good = scope(), scope()
    limited.faults(rateLimitRate=1.0)
    async with open_desk(tmp_path, told("first", "ollama", limited), told("second", "ollama", good)) as desk:
        await desk.send(Ask(prompt="Name some rivers.")).outcome()
        limited.heal()
        outcome = await desk.send(Ask(prompt="Name more rivers.")).outcome()
    assert outcome.text == TEXTS["rivers"]
    assert story(outcome) == [("first", "cooling"), ("second", "completed")]
    assert len(limited.journal()) == 1


@pytest.mark.parametrize("kind", WIRES)
def test_exec_tells_of_the_failover(kind: str, scope: Callable[[], Scope], tmp_path: Path) -> None:
    bad, good = scope(), scope()
    bad.faults(rateLimitRate=1.0)
    first, second = told("first", kind, bad), told("second", kind, good)
    write_configuration(tmp_path, configuration(first, second))
    ran = exec_world(tmp_path, **{KEY_VARIABLE: KEY}).run("exec", "--json", "Name some rivers.")
    assert ran.code == 0, ran.err
    assert (ran.answer["provider"], ran.answer["text"]) == ("second", TEXTS["rivers"])
    assert ran.answer["failovers"] == [{"from": first.target, "to": second.target, "reason": "rate"}]
    assert KEY not in ran.out + ran.err


@pytest.fixture(scope="module")
def own_dice(aimock_program: Path) -> Iterator[Program]:
    """A server whose dice nobody else throws, so that each run sees the same faults."""
    server = aimock.start(aimock_program, dice=SEED)
    yield server
    server.close()


@pytest.mark.parametrize("kind", WIRES)
async def test_when_half_of_everything_fails_each_request_still_has_one_true_outcome(
    kind: str, own_dice: Program, tmp_path: Path
) -> None:
    clients = [Scope(server=own_dice, name=f"{kind}-{name}") for name in ("first", "second")]
    for client in clients:
        client.faults(dropRate=0.5, disconnectRate=0.5, malformedRate=0.5)
    words = list(TEXTS)
    seen: list[Status] = []
    tried = 0
    async with open_desk(tmp_path, told("first", kind, clients[0]), told("second", kind, clients[1])) as desk:
        for number in range(ROUNDS):
            word = words[number % len(words)]
            outcome = await desk.send(Ask(prompt=f"Number {number}: {word}.")).outcome()
            stored = (await desk.request(outcome.request_id)).status
            assert stored is outcome.status
            assert outcome.status in {Status.COMPLETED, Status.PAUSED}
            assert outcome.text == (TEXTS[word] if outcome.status is Status.COMPLETED else "")
            assert {reason for _, reason in story(outcome)} <= {"server", "net", "truncated", "completed"}
            seen.append(outcome.status)
            tried += len(outcome.attempts)
        waiting = len(await desk.outbox())
    assert set(seen) == {Status.COMPLETED, Status.PAUSED}
    assert waiting == seen.count(Status.PAUSED)
    assert tried == sum(len(client.journal()) for client in clients)
