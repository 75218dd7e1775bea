"""A short slice: few processes, one seed a scenario. The whole is ``python -m tests.campaign instances``."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.campaign.instances.command import SCENARIOS, main, played
from tests.campaign.instances.crowd import Crowd
from tests.campaign.instances.house import house
from tests.campaign.instances.judge import home_kept, told_well
from tests.campaign.instances.starts import play

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", SCENARIOS)
def test_several_processes_on_one_home_break_nothing(name: str, tmp_path: Path) -> None:
    report = played(name, seed=1, at_once=3, folder=tmp_path)
    assert report.violations == ()
    assert report.processes >= 3


def test_the_judge_sees_what_is_left_behind_and_what_others_may_read(tmp_path: Path) -> None:
    with house(tmp_path, ["local"]) as opened:
        assert play(tmp_path / "other", random.Random(0), 2, 0).violations == ()
        home = opened.world.home
        (home / "state" / "instances").mkdir(parents=True, mode=0o700)
        home.chmod(0o700)
        (home / "state").chmod(0o700)
        (home / "state" / ".llm_state.json.1-2.tmp").touch(mode=0o600)
        (home / "state" / "instances" / "1-2.lock").touch(mode=0o600)
        (home / "state" / "llm_state.json").write_text("{")
        (home / "state" / "llm_state.json").chmod(0o644)
        found = {(violation.rule, violation.words.partition(":")[0]) for violation in home_kept(opened.world)}
    assert found == {
        ("I9", "home/state/llm_state.json has mode 644"),
        ("I9", "left behind"),
        ("I9", "a lock of nobody"),
        ("I9", "the state file does not parse"),
    }


def test_the_judge_hears_a_process_that_hangs_or_complains(tmp_path: Path) -> None:
    with house(tmp_path, ["local"]) as opened, Crowd(opened.world) as crowd:
        crowd.start("exec", "--json", "--lane", "nowhere", "hello")
        (ended,) = crowd.ended()
    assert list(told_well([ended])) == []
    from dataclasses import replace

    loud = replace(ended, err="note: database is locked\nTraceback (most recent call last):")
    assert {violation.rule for violation in told_well([loud, replace(ended, hung=True)])} == {"I10", "I14", "I20"}


def test_the_command_prints_a_row_for_each_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--processes", "2", "--seed", "5", "--only", "starts"]) == 0
    out = capsys.readouterr().out
    assert "start storm" in out
    assert out.endswith("\n0 violations\n")
