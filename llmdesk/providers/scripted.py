"""A provider that replays a script: for tests, screenshots and rehearsals where the wire is not the point."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmdesk.core.errors import AnswerCut
from llmdesk.core.types import (
    Completed,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    Usage,
)
from llmdesk.providers.base import Check

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from llmdesk.core.errors import ProviderError
    from llmdesk.core.types import (
        ChatRequest,
        ModelInfo,
        ProviderEvent,
    )


@dataclass(slots=True, kw_only=True)
class Scene:
    """What one call does: events and pauses (seconds) in order, then an error or a proper end.

    ``error`` is raised after ``steps``. Without an error and without ``Completed`` in ``steps``, one is added unless
    ``cut`` is set, which ends the answer without its terminal marker.
    """

    steps: Sequence[ProviderEvent | str | float] = ()
    error: ProviderError | None = None
    cut: bool = False
    usage: Usage = field(default_factory=lambda: Usage(input_tokens=3, output_tokens=5))


@dataclass(slots=True)
class ScriptedProvider:
    """Plays ``scenes`` in order, one a call; after the last one it repeats it.

    ``requests`` collects what was asked, ``closed`` counts iterations that ended, however they ended.
    """

    name: str
    scenes: list[Scene] = field(default_factory=list)
    models: tuple[ModelInfo, ...] = ()
    requests: list[ChatRequest] = field(default_factory=list)
    closed: int = 0
    list_error: ProviderError | None = None

    def script(self, scenes: Iterable[Scene]) -> None:
        """Replace what is still to be played."""
        self.scenes = list(scenes)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        """Play the next scene."""
        self.requests.append(request)
        scene = self.scenes.pop(0) if len(self.scenes) > 1 else (self.scenes[0] if self.scenes else Scene(steps=["ok"]))
        try:
            done = False
            for step in scene.steps:
                match step:
                    case int() | float():
                        await asyncio.sleep(step)
                    case str():
                        yield TextDelta(step)
                    case TextDelta() | ReasoningDelta() | ToolCall():
                        yield step
                    case Completed():
                        done = True
                        yield step
            if scene.error is not None:
                raise scene.error
            if scene.cut:
                raise AnswerCut(f"{self.name}: the answer was cut off.")
            if not done:
                yield Completed(finish_reason=FinishReason.STOP, usage=scene.usage, served_model=request.model)
        finally:
            self.closed += 1

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """Return the scripted models, or raise ``list_error``."""
        if self.list_error is not None:
            raise self.list_error
        return self.models

    async def check(self) -> Check:
        """Report the scripted models as healthy."""
        await self.list_models()
        return Check(latency_ms=0, models=len(self.models), key_tried=True)

    async def aclose(self) -> None:
        """Nothing is open."""
