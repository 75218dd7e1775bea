"""A provider of kind ``command`` over a real child process that plays a script."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmdesk.core.types import ChatRequest, Message, Role, TextDelta
from llmdesk.providers.base import Caps, Endpoint, Timeouts
from llmdesk.providers.command.adapter import CommandProvider
from llmdesk.providers.command.signals import is_alive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import ProviderEvent

TOOL = Path(__file__).parent / "tools" / "played.py"
PYTHON = (sys.executable, "-I", "-S")
HOLD = {"do": "hold"}

Step = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one run of the program was told. ``files`` maps a path on its command line to content and mode."""

    argv: list[str]
    stdin: bytes | None
    env: dict[str, str]
    cwd: str
    listing: list[str]
    folder_mode: int
    pid: int
    group: int
    files: dict[str, tuple[bytes, int]]
    terminal: bool


@dataclass(kw_only=True)
class Play:
    """A script in a folder of its own, and a provider whose program plays it."""

    folder: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})

    def script(self, *steps: Step) -> None:
        """What the program does next time."""
        (self.folder / "script.json").write_text(json.dumps(steps))

    def words(self, *more: str | Sequence[str]) -> list[str | Sequence[str]]:
        """The command line of the program."""
        return [*PYTHON, str(TOOL), str(self.folder), *more]

    def provider(
        self,
        *more: str | Sequence[str],
        name: str = "tool",
        timeouts: Timeouts | None = None,
        caps: Caps | None = None,
        models: Sequence[str] = (),
        **options: Any,
    ) -> CommandProvider:
        """A provider; ``more`` are words of its command line, ``options`` go before the usual ones."""
        told: dict[str, Any] = {"command": self.words(*more), "stdin": "{prompt}", "env": self.env, **options}
        return CommandProvider(
            Endpoint(
                name=name,
                base_url="",
                timeouts=timeouts or Timeouts(first_token_s=20.0, idle_s=20.0),
                caps=caps or Caps(),
                models=models,
                options=told,
            )
        )

    def seen(self) -> list[Seen]:
        """What each run was told, in no order."""
        found = []
        for path in self.folder.glob("seen-*.json"):
            value = json.loads(path.read_text())
            value["stdin"] = None if value["stdin"] is None else bytes.fromhex(value["stdin"])
            value["files"] = {name: (bytes.fromhex(data), mode) for name, (data, mode) in value["files"].items()}
            found.append(Seen(**value))
        return found

    def once(self) -> Seen:
        """What the one run was told."""
        (seen,) = self.seen()
        return seen

    def nothing_runs(self) -> bool:
        """Whether no process of any run is left."""
        return not any(is_alive(seen.group) for seen in self.seen())


def ask(prompt: str = "Hi.", *, model: str = "m", **more: Any) -> ChatRequest:
    """A request with one user message."""
    more.setdefault("messages", (Message(role=Role.USER, content=prompt),))
    return ChatRequest(model=model, **more)


async def answer(provider: CommandProvider, request: ChatRequest | None = None) -> list[ProviderEvent]:
    """Everything a request yields; the provider is closed afterwards."""
    try:
        return [event async for event in provider.stream(request or ask())]
    finally:
        await provider.aclose()


def text_of(events: Sequence[ProviderEvent]) -> str:
    """The answer's text."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))
