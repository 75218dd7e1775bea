"""An empty name is a slip (an unset variable of a script, say), not somebody of that name."""

from __future__ import annotations

import pytest

from tests.support.cli_run import run_cli
from tests.support.scripted_desk import ScriptedDesk


@pytest.mark.parametrize("empty", ["", " ", "\u200b"])
@pytest.mark.parametrize(
    "argv",
    [
        ["exec", "hi", "--job"],
        ["exec", "hi", "--agent"],
        ["exec", "hi", "--lane"],
        ["check", "--task", "t", "--output", "o", "--job"],
        ["check", "--task", "t", "--output", "o", "--agent"],
        ["check", "--task", "t", "--output", "o", "--lane"],
        ["--lane"],
    ],
)
def test_an_empty_name_is_wrong_use_and_nothing_is_asked(argv: list[str], empty: str) -> None:
    desk = ScriptedDesk()
    ran = run_cli([*argv, empty], desk)
    assert (ran.ending, ran.out, desk.asks) == (2, "", [])
    assert f"Invalid value for '{argv[-1]}': the name is empty; leave the option out where there is none." in ran.err
    assert ran.err.count("\n") == 1
