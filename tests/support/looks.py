"""Screens to be looked at: a desk full of fixed figures at a fixed noon, in the three sizes it is judged in."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import ModelInfo, ModelRef, Role, Usage
from llmdesk.core.views import (
    Conversation,
    ConversationView,
    FailoverRow,
    Finding,
    Level,
    ModelRow,
    OutboxEntry,
    ProviderState,
    ProviderStatus,
    Quota,
    StoredMessage,
)
from llmdesk.providers.base import PullProgress, RunningModel
from tests.support.fake_desk import CLOUD, LOCAL, FakeDesk, failover
from tests.support.figures import NOON, USD, day_budget, plenty, standing
from tests.support.screen import seated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmdesk.core.types import Json
    from llmdesk.core.views import Completeness
    from tests.support.screen import Seat

BESIDE = (100, 30)
"""Columns and rows from which the measures of a lane stand beside the chat."""

SIZES = ((80, 24), (120, 40), (200, 60))

MARKDOWN = (
    "Here is a **parser**:\n\n```python\ndef parse(line):\n    return line.split()\n```\n\n"
    "| field | meaning |\n| --- | --- |\n| `at` | when |\n| `level` | how bad |\n\n1. one\n2. two\n"
)

STATUSES = (
    ProviderStatus(
        provider="cloud", kind="ollama", state=ProviderState.OK, base_url="https://ollama.com", latency_ms=312,
        models=14, quotas=(Quota(name="session", used=0.62, resets_at=NOON + 3 * 3600),
                           Quota(name="weekly", used=0.18, resets_at=NOON + 4 * 86_400)),
    ),
    ProviderStatus(
        provider="claude", kind="anthropic", state=ProviderState.COOLING, base_url="https://api.anthropic.com",
        message="claude: rate limited (429)", cooldown_until=NOON + 492, cooldown_left_s=492.0,
    ),
    ProviderStatus(
        provider="local", kind="ollama", state=ProviderState.OK, base_url="http://127.0.0.1:11434", latency_ms=2,
        models=3,
    ),
    ProviderStatus(provider="openai", kind="openai", state=ProviderState.NO_KEY, base_url="https://api.openai.com/v1",
                   message="OPENAI_API_KEY is not set"),
)  # fmt: skip

LONG = "cloud: you have reached your hourly usage limit, please upgrade or wait until 12:32 to go on."

FAILOVERS = tuple(
    FailoverRow(at=NOON - 400.0 * number, request=f"request-{number}", lane=lane, agent=agent, source=source,
                target=target, reason=reason, message=message, lost_s=lost_s)
    for number, (lane, agent, source, target, reason, message, lost_s) in enumerate((
        ("chat", None, CLOUD, LOCAL, "rate", LONG, 0.12),
        ("codegen", "backend-dev", ModelRef("claude", "claude-sonnet-4-5"), CLOUD, "server",
         "claude: server error 529: overloaded.", 12.5),
        ("repair", None, LOCAL, None, "net", "local: nobody listens at 127.0.0.1:11434.", 2.0),
    ), 1)
)  # fmt: skip

OUTBOX = (
    OutboxEntry(id="7f3a91c2", created_at=NOON - 600, lane="chat", conversation="c1",
                prompt="Compare the two plans, and say which of them costs less over three years, with the sums.",
                attachments=("plans.csv",), reason="rate", error_kind=ErrorKind.RATE,
                next_try_at=NOON + 492, attempts=2),
    OutboxEntry(id="0b44d0e8", created_at=NOON - 90_000, lane="codegen", prompt="Write the importer", reason="net",
                error_kind=ErrorKind.NET, attempts=6),
)  # fmt: skip

MODELS = (
    ModelRow(provider="cloud", model=ModelInfo(name="gpt-oss:120b", parameters=117e9, context_tokens=131_072,
                                               capabilities=frozenset({"completion", "tools", "thinking"}))),
    ModelRow(provider="local", model=ModelInfo(name="gemma3:27b", size_bytes=17_000_000_000, parameters=27.4e9,
                                               context_tokens=131_072, quantization="Q4_K_M",
                                               capabilities=frozenset({"completion", "vision"}))),
    ModelRow(provider="local", model=ModelInfo(name="gemma3:4b", size_bytes=3_300_000_000, parameters=4.3e9,
                                               context_tokens=131_072, quantization="Q4_K_M",
                                               capabilities=frozenset({"completion", "vision"}))),
    ModelRow(provider="local", model=ModelInfo(name="bge-m3", size_bytes=1_200_000_000, parameters=567e6,
                                               context_tokens=8192, quantization="F16",
                                               capabilities=frozenset({"embedding"}))),
)  # fmt: skip

VIEWS = (
    ConversationView(id="c1", title="Parse the log file", lane="codegen", created_at=NOON - 9000,
                     updated_at=NOON - 300, messages=6, pinned=True, tags=("work", "logs")),
    ConversationView(id="c2", title="Plan the garden with roses and a pond, from spring to the first frost",
                     lane="planner", created_at=NOON - 99_000, updated_at=NOON - 90_000, messages=14, tags=("home",)),
    ConversationView(id="c3", title="Count the planets", lane="chat", created_at=NOON - 990_000,
                     updated_at=NOON - 900_000, messages=2),
)  # fmt: skip

FOUND = (
    replace(VIEWS[1], snippet="… a bed of roses along the wall, and more roses by the pond, where the sun …",
            message=3, matches=((11, 16), (42, 47))),
    replace(VIEWS[2], snippet="Nobody counts roses among the planets.", message=5, matches=((14, 19),), earlier=True),
)  # fmt: skip


def said(number: int, role: Role, content: str, **more: object) -> StoredMessage:
    """One message of a stored conversation; two of them are a turn."""
    values: dict[str, object] = {
        "id": number, "role": role, "content": content, "created_at": NOON - 3000 + 60 * number,
        "request": f"request-{(number + 1) // 2}", **more,
    }  # fmt: skip
    return StoredMessage(**values)  # type: ignore[arg-type]


def answered(number: int, content: str, completeness: Completeness = "full", **more: object) -> StoredMessage:
    """An answer with what is known of it."""
    values: dict[str, object] = {
        "completeness": completeness, "target": LOCAL, "latency_s": 7.6, "first_token_s": 0.4, "cost_usd": "0",
        "usage": Usage(input_tokens=120, output_tokens=312), **more,
    }  # fmt: skip
    return said(number, Role.ASSISTANT, content, **values)


def conversation(*messages: StoredMessage, title: str = "Parse the log file") -> Conversation:
    """A stored conversation to be opened."""
    return Conversation(id="c1", title=title, lane="chat", created_at=NOON - 9000, updated_at=NOON, messages=messages)


TALK = conversation(
    said(1, Role.USER, "Write a parser for these logs"),
    answered(2, MARKDOWN, seams=("cloud: rate limited, next try 11:22 → answering with gemma3:27b (local)",)),
    said(3, Role.USER, "And what of the lines that are no JSON?"),
    answered(4, "Keep them as they are, with the level *unknown*, so that nothing is lost."),
)


CALM = (standing(day_budget(), 1_420_000_000, forecast=1_900_000_000),
        standing(day_budget(30 * USD, scope="month", hard=False), 9_100_000_000))  # fmt: skip


@dataclass
class LookedAt(FakeDesk):
    """A desk with something in every panel."""

    limits: tuple = field(default_factory=lambda: CALM)  # type: ignore[type-arg]
    scripts: list = field(default_factory=lambda: [failover(MARKDOWN)])  # type: ignore[type-arg]
    measured: object = staticmethod(plenty)  # type: ignore[assignment]
    statuses: tuple[ProviderStatus, ...] = STATUSES
    rows: list[FailoverRow] = field(default_factory=lambda: list(FAILOVERS))
    entries: list[OutboxEntry] = field(default_factory=lambda: list(OUTBOX))
    findings: tuple[Finding, ...] = (
        Finding(topic="cloud", level=Level.OK, text="Ollama's cloud answers, 14 models."),
        Finding(topic="local", level=Level.OK, text="Ollama answers, 3 models; gemma3:27b is the largest."),
        Finding(topic="openai", level=Level.NOTE, text="no key.", hint="export OPENAI_API_KEY=…"),
    )

    async def conversations(self, *, limit: int = 200, archived: bool = False) -> tuple[ConversationView, ...]:
        return () if archived else VIEWS[:limit]

    async def search(self, query: str, *, limit: int = 50) -> tuple[ConversationView, ...]:
        return FOUND if "rose" in query else ()

    async def models(self, provider: str | None = None) -> tuple[ModelRow, ...]:
        return MODELS

    async def show_model(self, ref: ModelRef) -> Json:
        return {"name": ref.model, "family": "gemma3", "license": "Gemma Terms of Use"}

    async def running_models(self, provider: str | None = None) -> tuple[tuple[str, RunningModel], ...]:
        return (("local", RunningModel(name="gemma3:27b", size_bytes=17_000_000_000)),)

    async def pull_model(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        yield PullProgress(status="pulling manifest", digest="sha256:1", total=5_200_000_000, completed=2_080_000_000)
        await asyncio.Event().wait()


ROOMY = 24
"""Rows from which on the card of what was found has its first line in sight."""


async def still(seat: Seat) -> str:
    """The screen when nothing on it moves any more."""
    before, same = "", 0
    while same < 3:
        await seat.pilot.pause()
        same = same + 1 if seat.text == before else 0
        before = seat.text
    return before


@asynccontextmanager
async def looking(desk: FakeDesk | None = None, *, size: tuple[int, int], **how: object) -> AsyncIterator[Seat]:
    """In front of a desk that has shown all it has to show by itself."""
    async with seated(desk or LookedAt(), size=size, **how) as seat:  # type: ignore[arg-type]
        if size[0] >= BESIDE[0] and size[1] >= BESIDE[1]:
            await seat.see(r"tok/s |no request in the last hour")  # read behind the first paint
        if size[1] >= ROOMY and not {"conversation", "latest"} & how.keys():
            await seat.see("What is here|Nobody can answer yet")
        await still(seat)
        yield seat
