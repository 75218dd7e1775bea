"""The player does what a sequence says, and brings back what really happened."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.campaign.oracle import judge
from tests.campaign.player import play
from tests.campaign.sequence import Jump, Provider, Reboot, Restart, Resume, Say, Second, Sequence, Together

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaign.evidence import Evidence
    from tests.campaign.sequence import Step

CLOUD = Provider(name="cloud", wire="ollama", key=True)
LOCAL = Provider(name="local", wire="ollama")
LANES = (("chat", ("cloud", "local")),)


def of(*steps: Step, real: bool = False) -> Sequence:
    return Sequence(seed=1, providers=(CLOUD, LOCAL), lanes=LANES, steps=steps, real=real)


def statuses(evidence: Evidence) -> list[str]:
    with closing(sqlite3.connect(evidence.home / "data" / "llmdesk.db")) as connection:
        return [status for (status,) in connection.execute("SELECT status FROM requests ORDER BY position")]


def symbols(evidence: Evidence) -> list[tuple[str, str]]:
    return [(served.provider, served.symbol) for served in evidence.served]


async def test_a_crash_in_mid_answer_leaves_the_request_to_the_next_instance(tmp_path: Path) -> None:
    held = Say(lane="chat", number=2, meets=(("cloud", ("ollama/N8.c",)),), cut="kill", after_s=1.0)
    evidence = await play(of(Say(lane="chat", number=1), held), tmp_path, patience=10.0)
    asked = evidence.asked[1]
    assert (asked.cut, asked.over, asked.answer) == ("kill", None, None)
    assert symbols(evidence)[1:] == [("cloud", "ollama/N8.c")]  # nothing more was asked for one that was dead
    assert evidence.home.name == "home-1"
    assert statuses(evidence) == ["completed", "paused"]
    assert [lived.hard for lived in evidence.instances] == [True, False]
    assert judge(evidence) == []


async def test_what_was_paused_is_resumed_by_exactly_one_of_two_instances(tmp_path: Path) -> None:
    limit = (("cloud", ("ollama/C1.a",)), ("local", ("ollama/O5.a",) * 3))
    evidence = await play(of(Say(lane="chat", number=1, meets=limit), Second(on=True), Resume()), tmp_path)
    assert sorted(resumed.taken for resumed in evidence.resumed) == [False, True]
    assert statuses(evidence) == ["completed"]
    assert judge(evidence) == []


async def test_clocks_move_as_told_and_a_cooldown_with_them(tmp_path: Path) -> None:
    first = Say(lane="chat", number=1, meets=(("cloud", ("ollama/C1.a",)),))
    later = [Say(lane="chat", number=number) for number in (2, 3)]
    evidence = await play(of(first, Jump(wall=-3_600, boot=0), later[0], Jump(wall=601, boot=601), later[1]), tmp_path)
    assert [name for name, _ in symbols(evidence)] == ["cloud", "local", "local", "cloud"]
    assert [(clock.wall, clock.boot) for clock in evidence.clocks] == [(0, 0), (-3_600, 0), (-2_999, 601)]
    assert judge(evidence) == []


async def test_a_reboot_begins_another_boot_and_a_restart_another_instance(tmp_path: Path) -> None:
    steps = (Say(lane="chat", number=1), Reboot(wall=5), Restart(), Say(lane="chat", number=2, follows=True))
    evidence = await play(of(*steps), tmp_path)
    assert [clock.boot_id for clock in evidence.clocks] == ["campaign-boot-0", "campaign-boot-1"]
    assert [asked.instance for asked in evidence.asked] == [0, 2]
    assert evidence.served[-1].messages[0] == ("user", evidence.asked[0].prompt)
    assert judge(evidence) == []


async def test_processes_are_asked_at_once_and_bring_back_what_they_printed(tmp_path: Path) -> None:
    says = tuple(Say(lane="chat", number=number, real=True) for number in (1, 2))
    evidence = await play(of(Together(says=says), real=True), tmp_path, patience=5.0)
    assert [asked.code for asked in evidence.asked] == [0, 0]
    assert {asked.answer["text"] for asked in evidence.asked if asked.answer} == {one.text for one in evidence.served}
    assert judge(evidence) == []
