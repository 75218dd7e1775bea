from __future__ import annotations

from dataclasses import replace

import pytest

from llmdesk.core.edits import Edit, LaneEntry
from llmdesk.tui.lane_draft import Known, edits_of, moved, name_problem, number_problem, target_problem, without

LANE = LaneEntry(name="chat", targets=("cloud/a", "local/largest"))
KNOWN = Known(providers=("cloud", "local"), models={"local": ("gemma3:27b", "qwen3:8b")}, lanes=("chat", "codegen"))


@pytest.mark.parametrize(("text", "problem"), [
    ("cloud/b", ""), ("local/qwen3:8b", ""), ("lane:codegen", ""),
    ("cloud/a", "cloud/a is one of its targets already."),
    ("clod/b", "There is no provider 'clod'. Did you mean cloud?"),
    ("local/qwen3:9b", "local has no model 'qwen3:9b'. Did you mean qwen3:8b?"),
    ("lane:codgen", "There is no lane 'codgen'. Did you mean codegen?"),
    ("lane:chat", "A lane cannot contain itself."),
    ("gemma", "A target is written provider/model. Did you mean local/gemma3:27b?"),
])  # fmt: skip
def test_a_target_that_cannot_be_one_is_refused_with_the_nearest_name(text: str, problem: str) -> None:
    assert target_problem(text, LANE, KNOWN) == problem


def test_targets_move_and_go_but_the_last_one_stays() -> None:
    assert moved(LANE, 0, 1).targets == ("local/largest", "cloud/a")
    assert moved(LANE, 0, -1) == LANE
    assert without(LANE, 0).targets == ("local/largest",)
    assert without(without(LANE, 0), 0).targets == ("local/largest",)


def test_names_and_numbers_are_checked() -> None:
    assert name_problem("mine-2", ["chat"]) == ""
    assert name_problem("chat", ["chat"])
    assert name_problem("a b", [])
    assert number_problem("temperature", "0.5") == ""
    assert number_problem("temperature", "") == ""
    assert number_problem("temperature", "3")
    assert number_problem("max_output_tokens", "1.5")


def test_only_what_differs_is_written() -> None:
    assert edits_of((LANE,), (LANE,)) == ()
    changed = replace(LANE, failover="never", params={"temperature": 0.5})
    assert [(edit.path, edit.value) for edit in edits_of((LANE,), (changed,))] == [
        (("lanes", "chat", "failover"), "never"),
        (("lanes", "chat", "params", "temperature"), 0.5),
    ]


def test_a_default_lane_that_is_written_keeps_its_place() -> None:
    lanes = [LaneEntry(name=name, targets=("cloud/a",), written=False) for name in ("chat", "codegen", "repair")]
    now = [lanes[0], replace(lanes[1], resume="never"), lanes[2]]
    assert [edit.path for edit in edits_of(lanes, now)] == [
        ("lanes", "chat"), ("lanes", "codegen", "targets"), ("lanes", "codegen", "resume"),
    ]  # fmt: skip
    assert edits_of(lanes, now)[0] == Edit(path=("lanes", "chat"), value={}, comment="as usual")
