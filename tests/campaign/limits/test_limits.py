"""The short slice of the limits: those cases that end soon. All of them: ``python -m tests.campaign limits``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.campaign.limits.bench import Ran
from tests.campaign.limits.command import cases, main, run
from tests.campaign.limits.judge import judged

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaign.limits.cases import Case

QUICK = [case for case in cases() if case.quick]
PLAIN = Ran(code=0, seconds=0.5, over=0.5, peak_mib=50.0, hung=False, out="{}", err="")


@pytest.fixture(scope="module")
def plain_runs() -> dict[str, Ran]:
    """The plain runs that were made already."""
    return {}


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name.replace(" ", "-"))
def test_what_is_too_large_too_deep_or_too_slow_ends_in_time_in_memory_and_in_one_line(
    case: Case, tmp_path: Path, plain_runs: dict[str, Ran]
) -> None:
    assert run(case, tmp_path / "case", plain_runs).violations == ()


@pytest.mark.parametrize(
    ("ran", "rule"),
    [
        (replace(PLAIN, seconds=99.0), "I14"),
        (replace(PLAIN, hung=True), "I14"),
        (replace(PLAIN, peak_mib=115.0), "I16"),
        (replace(PLAIN, code=1), "I1"),
        (replace(PLAIN, err="Traceback (most recent call last):"), "I20"),
        (replace(PLAIN, err="x" * 500), "I20"),
        (replace(PLAIN, out='{"error": {"kind": "", "message": "two\\nlines"}}'), "I20"),
        (replace(PLAIN, out='{"error": {"kind": "server", "message": "one"}}'), "I6b"),
    ],
)
def test_the_judge_sees_what_is_late_large_wrong_or_loud(ran: Ran, rule: str) -> None:
    case = replace(QUICK[0], code=0, error="")
    assert judged(case, PLAIN, PLAIN, began=None, left=()).violations == ()
    assert [violation.rule for violation in judged(case, PLAIN, ran, began=None, left=()).violations] == [rule]
    assert [v.rule for v in judged(case, PLAIN, PLAIN, began=None, left=("a process",)).violations] == ["I15"]


def test_the_command_prints_a_row_for_each_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "config: a billion laughs"]) == 0
    assert capsys.readouterr().out.endswith("\n1 cases, 0 violations\n")
