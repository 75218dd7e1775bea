"""`exec --json` as a process against every row of docs/policy.md 3.1, 3.2 and 3.8, over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmdesk.core.policy import DECISIONS, Next
from llmdesk.core.types import FinishReason
from tests.support.exec_world import configuration, exec_world, provider
from tests.support.fault_server import FaultServer, chat_answer
from tests.support.ollama_answers import model_entry
from tests.support.ollama_scenes import CLOUD, SCENES, SECRETS
from tests.support.scenes import on_stage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.scenes import Scene

BACKUP = "The whole answer of the next target."

LARGER = model_entry("gemma3:4b", context=131_072)
"""With an equal window it would not be asked after a prompt that was too long."""


def goes_on(scene: Scene) -> bool:
    """Whether the table sends this row on to the next target."""
    if scene.kind is None:
        return False
    follows = DECISIONS[scene.kind].next
    return follows is Next.YES or (follows is Next.IF_SPECIFIC and scene.target_specific)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.row.replace(" ", "-"))
def test_each_row_gives_the_outcome_class_attempts_and_exit_code_of_the_policy(scene: Scene, tmp_path: Path) -> None:
    first = "cloud" if scene in CLOUD else "tested"
    with on_stage(scene) as stage, FaultServer.in_thread(models=[LARGER]) as backup:
        backup.always("/api/chat", chat_answer(BACKUP))
        world = exec_world(tmp_path, **stage.environment)
        limits = dict(stage.timeouts)
        world.configure(
            configuration(
                provider(first, stage.base_url, allow_http=stage.allow_http, timeouts=limits),
                provider("backup", backup.url),
                targets=[f"{first}/gemma3:4b", "backup/gemma3:4b"],
            )
        )
        ran = world.run("exec", "--json", "hello")
        asked, helped = stage.server.count("/api/chat"), backup.count("/api/chat")
    answer = ran.answer
    tried = [a for a in answer["attempts"] if a["provider"] == first]
    assert not any(word in ran.out + ran.err for word in SECRETS)
    if scene.kind is None:
        assert (ran.code, answer["status"], answer["text"]) == (0, "completed", scene.text)
        assert answer["finish_reason"] == scene.finish.value
        assert [a["outcome"] for a in tried] == ["completed"]
        assert (scene.finish is FinishReason.LENGTH) == (answer["finish_reason"] == "length")
        assert helped == 0
        return
    assert [a["error_kind"] for a in tried] == [scene.kind.value] * scene.tries(sole=False)
    assert [a["outcome"] for a in tried] == ["failed"] * len(tried)
    assert all(a["http_status"] == scene.status for a in tried)
    assert all(0 < len(a["message"]) <= 200 for a in tried)
    assert all(words in tried[-1]["message"] for words in scene.says)
    if stage.base_url == stage.server.url and scene.place == "server":
        assert asked == len(tried), "one row of history for each request the server saw"
    if goes_on(scene):
        assert (ran.code, answer["status"], answer["text"]) == (0, "completed", BACKUP)
        assert answer["provider"] == "backup"
        assert [f["reason"] for f in answer["failovers"]] == [scene.kind.value]
        assert helped == 1
    else:
        last = DECISIONS[scene.kind].last
        assert (answer["status"], ran.code) == (last.value, {"failed": 1, "refused": 6}[last.value])
        assert answer["error"]["kind"] == scene.kind.value
        assert (answer["text"], helped) == ("", 0)
