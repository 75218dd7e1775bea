"""All parts by one command: each is there, its code counts, and its last word is told."""

from __future__ import annotations

import pytest

from tests.campaign import everything
from tests.campaign.__main__ import PARTS


def test_the_one_command_runs_every_part() -> None:
    assert {*everything.FULL, "all"} == set(PARTS)


@pytest.mark.parametrize(("count", "code", "word"), [("1", 0, "violations: none"), ("none", 2, "invalid int value")])
def test_a_part_counts_by_its_exit_code(
    count: str, code: int, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(everything, "FULL", {"sequences": ("--count", count, "--seed", "1", "--jobs", "1")})
    assert everything.main([]) == (1 if code else 0)
    table = capsys.readouterr().out.splitlines()[-1]
    assert table.startswith(f"sequences   {everything.ENDS[code]}")
    assert word in table
