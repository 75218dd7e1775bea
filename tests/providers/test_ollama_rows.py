"""The class of every row of docs/policy.md 3.1, 3.2 and 3.8, over real sockets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import ProviderError
from llmdesk.core.types import ChatRequest, Completed, Message, Role, TextDelta
from llmdesk.providers.base import Endpoint, Timeouts
from llmdesk.providers.ollama import OllamaProvider
from tests.support.ollama_scenes import SCENES, SECRETS
from tests.support.scenes import Scene, on_stage

if TYPE_CHECKING:
    from llmdesk.core.types import ProviderEvent

ASKED = ChatRequest(model="gemma3:4b", messages=(Message(role=Role.USER, content="Say hello."),))


async def _ask(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> tuple[list[ProviderEvent], ProviderError | None]:
    events: list[ProviderEvent] = []
    with on_stage(scene) as stage:
        for name, value in stage.environment.items():
            monkeypatch.setenv(name, value)
        provider = OllamaProvider(
            Endpoint(
                name="local",
                base_url=stage.base_url,
                timeouts=Timeouts(**stage.timeouts),
                allow_http=stage.allow_http,
            )
        )
        try:
            async for event in provider.stream(ASKED):
                events.append(event)  # noqa: PERF401 - what came before a failure counts
        except ProviderError as problem:
            return events, problem
        finally:
            await provider.aclose()
    return events, None


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.row)
async def test_each_row_gives_its_class_or_its_whole_answer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.monotonic()
    events, problem = await _ask(scene, monkeypatch)
    assert time.monotonic() - started < 3.0

    if scene.kind is None:
        assert problem is None
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == scene.text
        assert isinstance(events[-1], Completed)
        assert events[-1].finish_reason is scene.finish
        assert sum(isinstance(event, Completed) for event in events) == 1
        return

    assert problem is not None
    assert not any(isinstance(event, Completed) for event in events)
    assert problem.kind is scene.kind, problem
    assert problem.http_status == scene.status
    assert problem.hint_s == scene.hint_s
    assert problem.retries == scene.retries
    assert problem.smaller_model == scene.smaller_model
    assert problem.target_specific == scene.target_specific
    assert problem.scope == scene.scope
    for words in scene.says:
        assert words in problem.message
    _assert_fit_for_a_user(problem)


def _assert_fit_for_a_user(problem: ProviderError) -> None:
    assert problem.message.startswith("local: ")
    assert len(problem.message) <= 200
    assert "\n" not in problem.message
    assert len(problem.details) <= 2_000
    for secret in SECRETS:
        assert secret not in problem.message
        assert secret not in problem.details
    assert problem.__cause__ is None, "a foreign exception may carry what was redacted"


def test_every_row_that_can_be_played_has_a_scene() -> None:
    rows = {scene.row.partition(".")[0] for scene in SCENES}
    assert {f"O{number}" for number in range(1, 23)} - rows == {"O15"}
    assert {f"C{number}" for number in range(1, 11)} - rows == {"C10"}
    assert {f"N{number}" for number in range(1, 17)} - rows == {"N4", "N15"}
    assert len({scene.row for scene in SCENES}) == len(SCENES)
