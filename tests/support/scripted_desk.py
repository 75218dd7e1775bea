"""A desk that plays what a test wrote down: real runs and real values, no provider, no disk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from llmdesk.core.errors import ErrorKind, UsageError
from llmdesk.core.types import (
    Accepted,
    Attempt,
    AttemptFailed,
    AttemptOutcome,
    AttemptStarted,
    ConsentNeeded,
    DeskEvent,
    FailedOver,
    FailoverStep,
    Failure,
    Finished,
    FinishReason,
    ModelInfo,
    ModelRef,
    Outcome,
    Status,
    TextDelta,
    Usage,
    Waiting,
)
from llmdesk.core.views import (
    Attachment,
    ConversationView,
    Discovery,
    Finding,
    LaneView,
    Level,
    ModelRow,
    Plan,
    ProviderState,
    ProviderStatus,
    RequestView,
    TargetStatus,
)
from llmdesk.desk import Run
from llmdesk.desk.folders import read_folder
from llmdesk.providers.base import RunningModel
from llmdesk.router import Wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from llmdesk.core.views import (
        Ask,
        BudgetView,
        Conversation,
        FailoverRow,
        OutboxEntry,
    )
    from llmdesk.desk.folders import FolderFiles
    from llmdesk.providers.base import PullProgress

CLOUD = ModelRef("cloud", "gpt-oss:120b")
LOCAL = ModelRef("local", "gemma3:27b")
AT = 1_770_000_000.0
FOREVER = float("inf")

Step = DeskEvent | str | float
"""An event, a piece of the answer, or a pause in seconds (``FOREVER`` = until somebody stops the run)."""


def failed(target: ModelRef, kind: ErrorKind, message: str, status: int | None = None, number: int = 1) -> Attempt:
    return Attempt(
        number=number, target=target, outcome=AttemptOutcome.FAILED, at=AT, error_kind=kind, reason=kind.value,
        http_status=status, message=message, elapsed_s=0.12,
    )  # fmt: skip


def completed(text: str, *, target: ModelRef = LOCAL, **changes: object) -> Outcome:
    values: dict[str, object] = {
        "request_id": "r1", "status": Status.COMPLETED, "text": text, "lane": "chat", "target": target,
        "finish_reason": FinishReason.STOP, "usage": Usage(input_tokens=12, output_tokens=34), "latency_s": 1.93,
        "first_token_s": 0.41, "conversation": "c1",
    }  # fmt: skip
    return Outcome(**{**values, **changes})  # type: ignore[arg-type]


def ended(status: Status, kind: ErrorKind | None = None, message: str = "", **changes: object) -> Outcome:
    values: dict[str, object] = {
        "request_id": "r1", "status": status, "lane": "chat", "conversation": "c1",
        "error": Failure(kind=kind, message=message) if kind else None,
    }  # fmt: skip
    return Outcome(**{**values, **changes})  # type: ignore[arg-type]


def answer(text: str, *, pieces: int = 3) -> list[Step]:
    """One target that answers."""
    size = max(len(text) // pieces, 1)
    parts = [text[i : i + size] for i in range(0, len(text), size)]
    return [AttemptStarted(number=1, target=LOCAL), *parts, Finished(outcome=completed(text))]


def seam(partial: str, text: str) -> list[Step]:
    """The cloud breaks off in mid-answer, and the local model gives the whole one."""
    cut = failed(CLOUD, ErrorKind.TRUNCATED, "cloud: answer cut off after 7 characters.", 200)
    step = FailoverStep(source=CLOUD, target=LOCAL, reason="truncated", message=cut.message, at=AT)
    return [
        AttemptStarted(number=1, target=CLOUD),
        *([partial] if partial else []),
        AttemptFailed(attempt=cut),
        FailedOver(step=step),
        AttemptStarted(number=2, target=LOCAL),
        text,
        Finished(outcome=completed(text, attempts=(cut,), failovers=(step,))),
    ]


def consent(text: str) -> list[Step]:
    """A lane that asks before it fails over."""
    cut = failed(CLOUD, ErrorKind.RATE, "cloud: rate limited, next try 14:32.", 429)
    return [
        AttemptStarted(number=1, target=CLOUD),
        AttemptFailed(attempt=cut),
        ConsentNeeded(target=LOCAL, failed=cut),
        text,
        Finished(outcome=completed(text, attempts=(cut,))),
    ]


@dataclass
class ScriptedDesk:
    """Plays ``scripts`` in order, one a request, the last one again and again; notes what it was asked."""

    scripts: list[list[Step]] = field(default_factory=lambda: [answer("Hello.")])
    default_lane: str = "chat"
    warnings: tuple[str, ...] = ()
    demo: bool = False
    paused: list[OutboxEntry] = field(default_factory=list)
    history: list[FailoverRow] = field(default_factory=list)
    statuses: list[ProviderStatus] = field(default_factory=list)
    stored: list[Conversation] = field(default_factory=list)
    progress: list[PullProgress] = field(default_factory=list)
    rows: list[ModelRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    facts: Mapping[str, object] = field(default_factory=dict)
    asks: list[Ask] = field(default_factory=list)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    ends: list[Outcome] = field(default_factory=list)
    config: Path | None = None
    failure: Exception | None = None
    limits: list[tuple[BudgetView, ...]] = field(default_factory=lambda: [()])
    """What each look at the budgets finds; the last one again and again."""

    def __post_init__(self) -> None:
        if not self.statuses:
            self.statuses = [
                ProviderStatus(provider="cloud", kind="ollama", state=ProviderState.NO_KEY, message="no key"),
                ProviderStatus(provider="local", kind="ollama", state=ProviderState.OK, latency_ms=3, models=2),
            ]

    def maker(self, *, config: Path | None, env: Mapping[str, str] | None = None) -> ScriptedDesk:
        """Stand in for the composition root."""
        del env
        self.config = config
        if self.failure is not None:
            raise self.failure
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.calls.append(("closed",))

    # --- asking ---

    def attach(self, path: Path) -> Attachment:
        if not path.exists():
            raise UsageError(f"{path}: there is no such file.")
        return Attachment(name=path.name, text=path.read_text(encoding="utf-8"))

    def attach_folder(self, folder: Path) -> FolderFiles:
        return read_folder(folder)

    def send(self, ask: Ask) -> Run:
        if ask.lane == "nowhere":
            raise UsageError("There is no lane 'nowhere'. Known: chat, codegen.")
        self.asks.append(ask)
        checked = ask.schema is not None or any(lane.has_schema and lane.name == ask.lane for lane in self.lanes())
        return self._play(f"r{len(self.asks)}", checked=checked)

    def _play(self, request_id: str, *, checked: bool = False) -> Run:
        run = Run(request_id, checked=checked)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        run.work = asyncio.get_running_loop().create_task(self._perform(run, script))
        return run

    async def _perform(self, run: Run, script: Sequence[Step]) -> None:
        run.tell(Accepted(request_id=run.request_id, conversation="c1"))
        text = ""
        try:
            for step in script:
                match step:
                    case str():
                        text += step
                        run.tell(TextDelta(step))
                    case float() if step == FOREVER:
                        await asyncio.get_running_loop().create_future()
                    case float() | int():
                        await asyncio.sleep(step)
                    case ConsentNeeded():
                        run.tell(step)
                        if await run.controls.wait(None) is not Wish.GO:
                            self._end(run, ended(Status.PAUSED, ErrorKind.RATE, "cloud: rate limited."))
                            return
                    case Waiting() if step.until == FOREVER:
                        run.tell(replace(step, until=None))
                        await run.controls.wait(None)
                    case Finished():
                        self._end(run, step.outcome)
                    case _:
                        run.tell(step)
        except asyncio.CancelledError:
            status = Status.PAUSED if run.keep_on_stop else Status.CANCELLED
            self._end(run, ended(status, ErrorKind.CANCELLED, "stopped", text=text))

    def _end(self, run: Run, outcome: Outcome) -> None:
        self.ends.append(outcome)
        run.tell(Finished(outcome=outcome))

    async def plan(self, ask: Ask) -> Plan:
        self.asks.append(ask)
        targets = (
            TargetStatus(target=CLOUD, skip="cooling", message="cloud: cooling down", cooldown_until=AT + 60),
            TargetStatus(target=LOCAL),
        )
        return Plan(lane=ask.lane or "chat", targets=targets, input_tokens=7, params=ask.params, system=ask.system)

    def lane_notes(self, lane: str | None = None) -> tuple[str, ...]:
        return ()

    def lanes(self) -> tuple[LaneView, ...]:
        targets = (TargetStatus(target=CLOUD, skip="no key", message="no key"), TargetStatus(target=LOCAL))
        return (
            LaneView(name="chat", targets=targets, default=True),
            LaneView(name="codegen", targets=targets, failover="ask", has_schema=True),
        )

    async def budgets(self) -> tuple[BudgetView, ...]:
        return self.limits.pop(0) if len(self.limits) > 1 else self.limits[0]

    # --- the outbox and what happened ---

    async def outbox(self) -> tuple[OutboxEntry, ...]:
        return tuple(self.paused)

    async def retry(self, request_id: str, *, probe: bool = False, consent: bool = False) -> Run:
        self.calls.append(("retry", request_id, probe, consent))
        return self._play(request_id)

    async def keep_resuming(self, on_run: Callable[[OutboxEntry, Run], bool]) -> None:
        await asyncio.Event().wait()

    async def drop(self, request_id: str) -> None:
        self.calls.append(("drop", request_id))

    async def request(self, request_id: str) -> RequestView:
        entry = next((e for e in self.paused if e.id.startswith(request_id)), None)
        if entry is None:
            raise UsageError(f"There is no request '{request_id}'.")
        return RequestView(
            id=entry.id, status=Status.PAUSED, created_at=entry.created_at, finished_at=None, lane=entry.lane,
            agent=None, job=None, conversation=None, prompt=entry.prompt, answer="", reason=entry.reason,
            attempts=(failed(CLOUD, ErrorKind.RATE, "cloud: rate limited.", 429),), error_kind=entry.error_kind,
        )  # fmt: skip

    async def failovers(
        self, *, since: float | None = None, lane: str | None = None, provider: str | None = None,
        reason: str | None = None, limit: int = 500,
    ) -> tuple[FailoverRow, ...]:  # fmt: skip
        self.calls.append(("failovers", since, lane, limit))
        return tuple(self.history)

    # --- providers and models ---

    def providers(self) -> tuple[ProviderStatus, ...]:
        return tuple(self.statuses)

    async def check_providers(self, *, timeout_s: float = 10.0) -> tuple[ProviderStatus, ...]:
        self.calls.append(("check", timeout_s))
        return tuple(self.statuses)

    async def discover(self) -> Discovery:
        finding = Finding(topic="local", level=Level.OK, text="Ollama is running with 2 models.")
        return Discovery(findings=tuple(self.found) or (finding,), can_answer=True)

    async def models(self, provider: str | None = None) -> tuple[ModelRow, ...]:
        return tuple(row for row in self.rows if provider in (None, row.provider))

    async def show_model(self, ref: ModelRef) -> Mapping[str, object]:
        self.calls.append(("show", ref))
        return self.facts

    async def running_models(self, provider: str | None = None) -> tuple[tuple[str, RunningModel], ...]:
        del provider
        return (("local", RunningModel(name="gemma3:27b", size_bytes=17_000_000_000)),)

    async def _steps(self) -> AsyncIterator[PullProgress]:
        for step in self.progress:
            yield step

    def pull_model(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        self.calls.append(("pull", ref))
        return self._steps()

    def push_model(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        self.calls.append(("push", ref))
        return self._steps()

    def create_model(
        self, ref: ModelRef, *, base: str, system: str | None = None, parameters: Mapping[str, object] | None = None
    ) -> AsyncIterator[PullProgress]:
        self.calls.append(("create", ref, base, system, parameters))
        return self._steps()

    async def copy_model(self, ref: ModelRef, destination: str) -> None:
        self.calls.append(("copy", ref, destination))

    async def delete_model(self, ref: ModelRef) -> None:
        self.calls.append(("delete", ref))

    # --- conversations ---

    async def latest_conversation(self, lane: str | None = None) -> str | None:
        return next((c.id for c in self.stored if lane in (None, c.lane)), None)

    async def conversations(self, *, limit: int = 200, archived: bool = False) -> tuple[ConversationView, ...]:
        return () if archived else tuple(
            ConversationView(
                id=c.id, title=c.title, lane=c.lane, created_at=c.created_at, updated_at=c.updated_at,
                messages=len(c.messages),
            )
            for c in self.stored[:limit]
        )  # fmt: skip

    async def conversation(self, conversation_id: str) -> Conversation:
        found = next((c for c in self.stored if c.id == conversation_id), None)
        if found is None:
            raise UsageError(f"There is no conversation '{conversation_id}'.")
        return found

    async def search(self, query: str, *, limit: int = 50) -> tuple[ConversationView, ...]:
        self.calls.append(("search", query, limit))
        return ()

    async def export_conversation(self, conversation_id: str, form: Literal["md", "json"] = "md") -> str:
        found = await self.conversation(conversation_id)
        return f"# {found.title}\n" if form == "md" else "{}"

    async def remove_conversation(self, conversation_id: str) -> None:
        self.calls.append(("remove", conversation_id))

    async def doctor(self) -> tuple[Finding, ...]:
        return tuple(self.findings)


def model_row(name: str, provider: str = "local") -> ModelRow:
    return ModelRow(provider=provider, model=ModelInfo(name=name, size_bytes=3_300_000_000))
