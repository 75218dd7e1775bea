"""One wire format as the contract suite meets it: how to build its adapter, and everything its other side may do.

Each adapter has one module in ``tests/support/wires`` with a ``WIRE``; ``tests/providers/test_wire_contract.py`` runs
the same tests over all of them, over real sockets or real child processes.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.types import ChatRequest, Message, Role
from llmdesk.providers import make_provider
from llmdesk.providers.base import Endpoint, Timeouts
from tests.support.scenes import on_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pytest

    from llmdesk.core.types import Json
    from llmdesk.providers.base import Provider
    from tests.support.fault_server import Play
    from tests.support.scenes import Scene, Stage

CANARY = "sk-canary-7f3a9c+Zq/1d24e8b0aa"
"""The key of every adapter under test: no message, detail, repr or argument list may ever contain it, in any form."""


@dataclass(frozen=True, kw_only=True)
class Set:
    """A scene that is set: the adapter, and what its other side saw.

    ``asked`` counts the requests (or children) that reached the other side; ``left`` tells whether the last of them has
    seen its client go (or its whole process group is dead). ``said`` are the bodies that came, where there are such.
    """

    provider: Provider
    asked: Callable[[], int]
    left: Callable[[], bool]
    said: Callable[[], list[bytes]] = list


class Wire(Protocol):
    """What the contract suite needs of one adapter."""

    kind: str
    model: str
    scenes: tuple[Scene, ...]
    """Every row of the policy this wire can show, terminal markers (``kind`` None) and failures."""
    happy: Scene
    """A plain answer in several pieces with usage; ``text`` is the whole of it."""
    endless: Scene
    """An answer whose first text comes at once and whose end never does."""
    usage: tuple[int, int] | None
    """Input and output tokens that ``happy`` reports; ``None`` = this wire has none."""

    def set(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> contextlib.AbstractContextManager[Set]:
        """Set a scene, with an adapter that has ``CANARY`` as its key."""
        ...


@dataclass(frozen=True, kw_only=True)
class HttpWire:
    """A wire over HTTP.

    Args:
        kind: the provider kind.
        model: what is asked for.
        path: where answers are asked for, with ``base`` before it.
        base: what stands behind the origin in ``base_url``.
        options: of the endpoint.
        healthy: other paths the adapter may call, and what they answer.
    """

    kind: str
    model: str
    path: str
    scenes: tuple[Scene, ...]
    happy: Scene
    endless: Scene
    usage: tuple[int, int] | None = None
    base: str = ""
    options: Json = field(default_factory=dict)
    healthy: Mapping[str, Play] = field(default_factory=dict)
    key: str | None = CANARY

    @contextlib.contextmanager
    def set(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
        """Set a scene on a loopback server in a thread of its own."""
        with on_stage(scene, self.path) as stage:
            for name, value in stage.environment.items():
                monkeypatch.setenv(name, value)
            for path, play in self.healthy.items():
                stage.server.always(path, play)
            yield Set(
                provider=make_provider(self.kind, self.endpoint(stage)),
                asked=lambda: stage.server.count(self.path),
                left=lambda: all(seen.client_left_at is not None for seen in stage.server.seen(self.path)),
                said=lambda: [seen.body for seen in stage.server.seen(self.path)],
            )

    def endpoint(self, stage: Stage) -> Endpoint:
        """The endpoint of a stage."""
        return Endpoint(
            name="there",
            base_url=stage.base_url + self.base,
            key=self.key,
            key_source="$THE_KEY",
            timeouts=replace(Timeouts(), **stage.timeouts),
            allow_http=stage.allow_http,
            options=self.options,
        )


def hello(model: str) -> ChatRequest:
    """The request of every contract test."""
    return ChatRequest(
        model=model,
        messages=(
            Message(role=Role.SYSTEM, content="Be brief."),
            Message(role=Role.USER, content="Say hello."),
        ),
    )
