"""`exec --json` as a process against each vendor's own rows of docs/policy.md, section 3, over real sockets.

One scene of each row; the contract suite plays the variants without a process.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ErrorKind
from llmdesk.core.policy import DECISIONS, Next
from tests.providers.test_wire_contract import HTTP_WIRES
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, chat_answer
from tests.support.scenes import on_stage
from tests.support.wire import CANARY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.scenes import Scene
    from tests.support.wire import HttpWire

BACKUP = "The whole answer of the next target."
SHORT_WAIT_S = 5.0
OWN_ROW = re.compile(r"[A-MO-Z]\d")
"""The rows of a wire's own section; N are those of the network."""


def first_of_each_row(wire: HttpWire) -> list[Scene]:
    """One scene for each row of this wire's own table."""
    found: dict[str, Scene] = {}
    for scene in wire.scenes:
        if OWN_ROW.match(scene.row) and scene.place == "server":
            found.setdefault(scene.row.partition(".")[0], scene)
    return list(found.values())


ROWS = [
    pytest.param(wire, scene, id=f"{wire.kind}-{scene.row}".replace(" ", "-"))
    for wire in HTTP_WIRES
    if wire.kind != "ollama"  # its rows have a test of their own
    for scene in first_of_each_row(wire)
]


def goes_on(scene: Scene) -> bool:
    """Whether the table sends this row on to the next target."""
    if scene.kind is None:
        return False
    follows = DECISIONS[scene.kind].next
    return follows is Next.YES or (follows is Next.IF_SPECIFIC and scene.target_specific)


def tries(scene: Scene) -> int:
    """How often the target is asked: a short hint of a 429 is followed once, a longer one means the next target."""
    if scene.hint_s is None:
        return scene.tries(sole=False)
    if scene.hint_s > SHORT_WAIT_S:
        return 1
    return 2 if scene.kind is ErrorKind.RATE else scene.tries(sole=False)


@pytest.mark.parametrize(("wire", "scene"), ROWS)
def test_each_row_gives_the_outcome_class_attempts_and_exit_code_of_the_policy(
    wire: HttpWire, scene: Scene, tmp_path: Path
) -> None:
    with on_stage(scene, wire.path) as stage, FaultServer.in_thread() as backup:
        backup.always("/api/chat", chat_answer(BACKUP))
        world = exec_world(tmp_path, THE_KEY=CANARY, **stage.environment)
        vendor = {
            "kind": wire.kind,
            "base_url": stage.base_url + wire.base,
            "api_key": "${THE_KEY}",
            "retry": {"attempts": 3, "delay_s": 0},
            "timeouts": dict(stage.timeouts),
            **wire.options,
        }
        world.configure(
            configuration(
                f"  vendor: {json.dumps(vendor)}",
                provider("backup", backup.url),
                targets=[f"vendor/{wire.model}", "backup/gemma3:4b"],
            )
        )
        ran = world.run("exec", "--json", "hello")
        asked, helped = stage.server.count(wire.path), backup.count("/api/chat")
    answer = ran.answer
    tried = [a for a in answer["attempts"] if a["provider"] == "vendor"]
    assert CANARY not in ran.out + ran.err
    if scene.kind is None:
        assert (ran.code, answer["status"], answer["text"]) == (0, "completed", scene.text)
        assert answer["finish_reason"] == scene.finish.value
        assert [a["outcome"] for a in tried] == ["completed"]
        assert helped == 0
        return
    if scene.kind is ErrorKind.REFUSED:
        assert (ran.code, answer["status"], answer["error"]["kind"]) == (6, "refused", "refused")
        assert (asked, helped) == (1, 0)
        return
    assert [a["error_kind"] for a in tried] == [scene.kind.value] * tries(scene)
    assert asked == tries(scene)
    assert all(a["http_status"] == scene.status for a in tried)
    assert all(0 < len(a["message"]) <= 200 for a in tried)
    if goes_on(scene):
        assert (ran.code, answer["status"], answer["text"], helped) == (0, "completed", BACKUP, 1)
        assert answer["failovers"][0]["reason"] == scene.kind.value
    else:
        assert (ran.code, answer["status"], helped) == (1, "failed", 0)
        assert answer["error"]["kind"] == scene.kind.value
