"""A desk without anything behind it: replays scripted events, for tests of the screen alone."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from llmdesk.core.errors import ErrorKind, UsageError
from llmdesk.core.measures import Measures, Selection
from llmdesk.core.types import (
    Accepted,
    Attempt,
    AttemptFailed,
    AttemptOutcome,
    AttemptStarted,
    DeskEvent,
    FailedOver,
    FailoverStep,
    Finished,
    FinishReason,
    ModelInfo,
    ModelRef,
    Outcome,
    Params,
    Role,
    Status,
    TextDelta,
    Usage,
)
from llmdesk.core.views import (
    Ask,
    Attachment,
    Conversation,
    ConversationView,
    Discovery,
    Finding,
    LaneView,
    Level,
    ModelRow,
    Plan,
    ProviderState,
    ProviderStatus,
    ScreenSettings,
    StoredMessage,
    TargetStatus,
    Topic,
)
from llmdesk.desk.folders import read_folder
from llmdesk.paths import find_paths
from llmdesk.providers.base import PullProgress, RunningModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from llmdesk.core.exchange import Exchange
    from llmdesk.core.log_lines import LogLine
    from llmdesk.core.measures import Grouping
    from llmdesk.core.types import (
        Json,
        Message,
    )
    from llmdesk.core.views import (
        BudgetView,
        Draft,
        FailoverRow,
        OutboxEntry,
        RequestView,
    )
    from llmdesk.desk.folders import FolderFiles

CLOUD = ModelRef("cloud", "gpt-oss:120b")
LOCAL = ModelRef("local", "gemma3:27b")

ENDED = frozenset({Topic.REQUESTS, Topic.OUTBOX, Topic.CONVERSATIONS})
"""What a desk tells when a request has ended."""
LANES = ("chat", "codegen", "repair", "critic", "planner", "clarifier", "reviewer")

Gate = asyncio.Event
Step = DeskEvent | float | Gate | Literal["control"]
"""An event to give, seconds to wait, a gate that must be opened, or ``control``: wait for retry, next or consent."""


def outcome(status: Status = Status.COMPLETED, **changes: object) -> Outcome:
    base = Outcome(
        request_id="", status=status, target=LOCAL, served_model=LOCAL.model, finish_reason=FinishReason.STOP,
        usage=Usage(input_tokens=12, output_tokens=312), latency_s=1.9, first_token_s=0.4,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def answer(text: str, target: ModelRef = LOCAL) -> list[Step]:
    words = text.split(" ")
    deltas: list[Step] = [TextDelta(word if at == 0 else f" {word}") for at, word in enumerate(words)]
    return [AttemptStarted(number=1, target=target), *deltas, Finished(outcome=outcome(text=text, target=target))]


def failed(target: ModelRef = CLOUD, kind: ErrorKind = ErrorKind.RATE, discarded: str = "") -> Attempt:
    return Attempt(
        number=1, target=target, outcome=AttemptOutcome.FAILED, at=time.time(), error_kind=kind, http_status=429,
        message=f"{target.provider}: too many requests.", elapsed_s=0.1, discarded_text=discarded,
    )  # fmt: skip


def failover(text: str) -> list[Step]:
    attempt = failed()
    step = FailoverStep(source=CLOUD, target=LOCAL, reason="rate", message=attempt.message, at=time.time(), lost_s=0.1)
    return [
        AttemptStarted(number=1, target=CLOUD),
        AttemptFailed(attempt=attempt),
        FailedOver(step=step),
        *answer(text),
    ]


def paused(next_try_in_s: float | None = 60) -> list[Step]:
    attempt = failed()
    at = None if next_try_in_s is None else time.time() + next_try_in_s
    return [
        AttemptStarted(number=1, target=CLOUD),
        AttemptFailed(attempt=attempt),
        Finished(outcome=outcome(Status.PAUSED, text="", target=None, next_try_at=at, attempts=(attempt,))),
    ]


class FakeRun:
    """One scripted request under way."""

    def __init__(self, request_id: str, ask: Ask, steps: Sequence[Step], ended: Callable[[], None]) -> None:
        self.request_id = request_id
        self._ended = ended
        self.ask = ask
        self.controls: list[str] = []
        self._steps = list(steps)
        self._events: asyncio.Queue[DeskEvent] = asyncio.Queue()
        self._control = asyncio.Event()
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._said = ""
        self._player = asyncio.get_running_loop().create_task(self._play())

    async def _play(self) -> None:
        conversation = self.ask.conversation or f"conversation-{self.request_id}"
        self._events.put_nowait(Accepted(request_id=self.request_id, conversation=conversation))
        for step in self._steps:
            match step:
                case int() | float():
                    await asyncio.sleep(step)
                case asyncio.Event():
                    await step.wait()
                case "control":
                    self._control.clear()
                    await self._control.wait()
                case Finished():
                    self._end(replace(step.outcome, request_id=self.request_id, conversation=conversation))
                case TextDelta():
                    self._said += step.text
                    self._events.put_nowait(step)
                case _:
                    self._events.put_nowait(step)

    def _end(self, ended: Outcome) -> None:
        if not self._outcome.done():
            self._ended()
            self._outcome.set_result(ended)
            self._events.put_nowait(Finished(outcome=ended))

    async def __aiter__(self) -> AsyncIterator[DeskEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Finished):
                return

    async def outcome(self) -> Outcome:
        return await asyncio.shield(self._outcome)

    def _steer(self, word: str) -> None:
        self.controls.append(word)
        self._control.set()

    def retry_now(self) -> None:
        self._steer("retry")

    def next_target(self) -> None:
        self._steer("next")

    def consent(self, go: bool) -> None:
        self._steer("yes" if go else "no")

    def cancel(self, *, keep: bool = False) -> None:
        self.controls.append("keep" if keep else "cancel")
        self._player.cancel()
        status = Status.PAUSED if keep else Status.CANCELLED
        self._end(outcome(status, request_id=self.request_id, text=self._said, finish_reason=None))

    async def close(self) -> None:
        self._player.cancel()
        await asyncio.gather(self._player, return_exceptions=True)


@dataclass
class FakeShelf:
    """Notes what is done to conversations as a whole."""

    calls: list[tuple[object, ...]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        if name.startswith("_"):
            raise AttributeError(name)

        async def noted(*arguments: object, **options: object) -> None:
            self.calls.append((name, *arguments, *options.items()))

        return noted


@dataclass
class FakeDesk:
    """Plays one script a request, the last one again and again."""

    scripts: list[list[Step]] = field(default_factory=lambda: [answer("Hello there.")])
    statuses: tuple[ProviderStatus, ...] = (
        ProviderStatus(provider="cloud", kind="ollama", state=ProviderState.OK, latency_ms=312),
        ProviderStatus(provider="local", kind="ollama", state=ProviderState.OK, models=3, latency_ms=2),
        ProviderStatus(provider="openai", kind="openai", state=ProviderState.NO_KEY),
    )
    default_lane: str = "chat"
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    warnings: tuple[str, ...] = ()
    demo: bool = False
    entries: list[OutboxEntry] = field(default_factory=list)
    rows: list[FailoverRow] = field(default_factory=list)
    requests: dict[str, RequestView] = field(default_factory=dict)
    stored: dict[str, Conversation] = field(default_factory=dict)
    findings: tuple[Finding, ...] = (Finding(topic="local", level=Level.OK, text="Ollama answers, 3 models."),)
    can_answer: bool = True
    resume: str = "ask"
    recent: tuple[str, ...] = ()
    limits: tuple[BudgetView, ...] = ()
    measured: Callable[[Selection, Sequence[Grouping]], tuple[Measures, ...]] = lambda _, by: (
        () if by else (Measures(group={}),)
    )
    reads: list[str] = field(default_factory=list)
    open_error: Exception | None = None
    runs: list[FakeRun] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    drafts: dict[str, Draft] = field(default_factory=dict)
    shelf: FakeShelf = field(default_factory=FakeShelf)
    left: tuple[Draft, ...] = ()
    retried: list[tuple[str, bool]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    closed: bool = False
    opening: asyncio.Event | None = None
    calls: dict[str, tuple[Exchange, ...]] = field(default_factory=dict)
    logged: list[LogLine] = field(default_factory=list)
    probed: list[str] = field(default_factory=list)
    changes: asyncio.Queue[frozenset[Topic]] = field(default_factory=asyncio.Queue)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FakeDesk]:
        if self.opening is not None:
            await self.opening.wait()
        if self.open_error is not None:
            raise self.open_error
        async with self:
            yield self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run in self.runs:
            await run.close()
        self.closed = True

    # --- asking

    def attach(self, path: Path) -> Attachment:
        try:
            if path.suffix == ".png":
                return Attachment(name=path.name, image=path.read_bytes())
            return Attachment(name=path.name, text=path.read_text())
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from None

    def attach_folder(self, folder: Path) -> FolderFiles:
        return read_folder(folder)

    def send(self, ask: Ask) -> FakeRun:
        if not ask.prompt.strip():
            raise UsageError("The prompt is empty.")
        self.asks.append(ask)
        return self._run(ask)

    def _run(self, ask: Ask) -> FakeRun:
        steps = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        run = FakeRun(f"request-{next(self._ids)}", ask, steps, lambda: self.changes.put_nowait(ENDED))
        self.runs.append(run)
        return run

    async def again(
        self, conversation: str, request: str, *, prompt: str | None = None, lane: str | None = None,
        model: ModelRef | None = None, params: Params | None = None,
    ) -> FakeRun:  # fmt: skip
        text = next((ask.prompt for run, ask in zip(self.runs, self.asks, strict=False)
                     if run.request_id == request), "again") if prompt is None else prompt  # fmt: skip
        return self.send(Ask(prompt=text, lane=lane, model=model, params=params or Params(), conversation=conversation,
                             replaces=request))  # fmt: skip

    async def go_on(
        self, conversation: str, request: str, *, model: ModelRef | None = None, lane: str | None = None,
        params: Params | None = None,
    ) -> FakeRun:  # fmt: skip
        return self.send(Ask(prompt="go on", lane=lane, model=model, params=params or Params(),
                             conversation=conversation, continues=request))  # fmt: skip

    async def compact(self, conversation: str, *, lane: str | None = None) -> FakeRun:
        return self.send(Ask(prompt="sum up", lane=lane, conversation=conversation, summarises="the last one"))

    async def fork(self, conversation: str, request: str | None = None) -> Conversation:
        whole = await self.conversation(conversation)
        at = next((n for n, m in reversed(list(enumerate(whole.messages))) if m.request == request), None)
        kept = whole.messages if at is None else whole.messages[: at + 1]
        fork = replace(whole, id=f"fork-{next(self._ids)}", title=f"{whole.title} (fork)", messages=kept)
        self.stored[fork.id] = fork
        return fork

    async def latest_conversation(self, lane: str | None = None) -> str | None:
        return next((each.id for each in self.stored.values() if lane in (None, each.lane)), None)

    async def import_conversations(self, path: Path) -> tuple[ConversationView, ...]:
        if not path.exists():
            raise UsageError(f"{path}: cannot be read.")
        found = stored_conversation(f"imported-{next(self._ids)}", path.stem)
        self.stored[found.id] = found
        return (_view(found),)

    async def keep_draft(self, draft: Draft) -> None:
        self.drafts = {**{lane: kept for lane, kept in self.drafts.items() if lane != draft.lane},
                       **({draft.lane: draft} if draft else {})}  # fmt: skip

    async def left_drafts(self) -> tuple[Draft, ...]:
        self.drafts |= {draft.lane: draft for draft in self.left}
        return self.left

    async def generate(self, *, messages: Sequence[Message], **_: object) -> Outcome:
        return outcome(text=messages[-1].content)

    async def plan(self, ask: Ask) -> Plan:
        return Plan(lane=ask.lane or "chat", targets=(), input_tokens=len(ask.prompt) // 4 + 1, params=Params())

    def lanes(self) -> tuple[LaneView, ...]:
        targets = (TargetStatus(target=CLOUD), TargetStatus(target=LOCAL))
        return tuple(LaneView(name=name, targets=targets, default=name == "chat", resume=self.resume) for name in LANES)

    # --- outbox and history

    async def outbox(self) -> tuple[OutboxEntry, ...]:
        return tuple(self.entries)

    async def retry(self, request_id: str, *, probe: bool = False, consent: bool = False) -> FakeRun:
        self.retried.append((request_id, probe))
        self.entries = [entry for entry in self.entries if entry.id != request_id]
        return self._run(Ask(prompt="again", conversation="conversation-again"))

    async def keep_resuming(self, on_run: Callable[[OutboxEntry, FakeRun], bool]) -> None:
        self.on_run = on_run
        await asyncio.Event().wait()

    async def drop(self, request_id: str) -> None:
        self.dropped.append(request_id)
        self.entries = [entry for entry in self.entries if entry.id != request_id]

    async def request(self, request_id: str) -> RequestView:
        if request_id not in self.requests:
            raise UsageError(f"There is no request {request_id}.")
        return self.requests[request_id]

    async def failovers(
        self, *, since: float | None = None, lane: str | None = None, limit: int = 500
    ) -> tuple[FailoverRow, ...]:
        return tuple(self.rows[:limit])

    # --- what it cost, and how it went

    async def budgets(self) -> tuple[BudgetView, ...]:
        self.reads.append("budgets")
        return self.limits

    async def measures(self, selection: Selection | None = None, by: Sequence[Grouping] = ()) -> tuple[Measures, ...]:
        self.reads.append("measures")
        return self.measured(selection or Selection(), by)

    # --- providers and models

    def providers(self) -> tuple[ProviderStatus, ...]:
        return self.statuses

    async def check_providers(self, *, timeout_s: float = 10.0) -> tuple[ProviderStatus, ...]:
        return self.statuses

    async def discover(self) -> Discovery:
        return Discovery(findings=self.findings, can_answer=self.can_answer)

    async def models(self, provider: str | None = None) -> tuple[ModelRow, ...]:
        return (
            ModelRow(provider="local", model=ModelInfo(name="gemma3:27b", size_bytes=17_000_000_000, parameters=27e9)),
        )

    async def show_model(self, ref: ModelRef) -> Json:
        return {"name": ref.model, "license": "[/red] free"}

    async def running_models(self, provider: str | None = None) -> tuple[tuple[str, RunningModel], ...]:
        return (("local", RunningModel(name="gemma3:27b", size_bytes=17_000_000_000)),)

    async def pull_model(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        yield PullProgress(status="pulling", total=100, completed=50)
        yield PullProgress(status="success")

    async def push_model(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        yield PullProgress(status="pushing", total=100, completed=50)
        yield PullProgress(status="success")

    async def create_model(
        self, ref: ModelRef, *, base: str, system: str | None = None, parameters: Mapping[str, object] | None = None
    ) -> AsyncIterator[PullProgress]:
        yield PullProgress(status="success")

    async def copy_model(self, ref: ModelRef, destination: str) -> None:
        self.dropped.append(f"copy {ref} {destination}")

    async def delete_model(self, ref: ModelRef) -> None:
        self.dropped.append(str(ref))

    # --- conversations

    async def conversations(self, *, limit: int = 200, archived: bool = False) -> tuple[ConversationView, ...]:
        return tuple(_view(conversation) for conversation in self.stored.values())[:limit]

    async def conversation(self, conversation_id: str) -> Conversation:
        if conversation_id not in self.stored:
            raise UsageError(f"There is no conversation {conversation_id}.")
        return self.stored[conversation_id]

    @property
    def prompts(self) -> Path:
        return find_paths().prompts

    async def recent_prompts(self, limit: int = 200) -> tuple[str, ...]:
        return self.recent[:limit]

    async def search(self, query: str, *, limit: int = 50) -> tuple[ConversationView, ...]:
        hits = [
            replace(_view(conversation), snippet=message.content, message=message.id)
            for conversation in self.stored.values()
            for message in conversation.messages
            if query.lower() in message.content.lower()
        ]
        return tuple(hits[:limit])

    async def export_conversation(self, conversation_id: str, form: Literal["md", "json"] = "md") -> str:
        return f"# {conversation_id}\n" if form == "md" else "{}"

    async def remove_conversation(self, conversation_id: str) -> None:
        del self.stored[conversation_id]

    async def exchanges(self, request_id: str) -> tuple[Exchange, ...]:
        return self.calls.get(request_id, ())

    async def log_lines(self) -> tuple[LogLine, ...]:
        return tuple(self.logged)

    async def probe_provider(self, provider: str) -> ProviderStatus:
        self.probed.append(provider)
        return next(status for status in self.statuses if status.provider == provider)

    async def paused_ask(self, request_id: str) -> Ask:
        entry = next(entry for entry in self.entries if entry.id == request_id)
        return Ask(prompt=entry.prompt, lane=entry.lane, conversation=entry.conversation)

    async def doctor(self) -> tuple[Finding, ...]:
        return self.findings

    async def watch(self) -> AsyncIterator[frozenset[Topic]]:
        while True:
            yield await self.changes.get()


def stored_conversation(conversation_id: str = "conversation-1", title: str = "Parse the log file") -> Conversation:
    return Conversation(
        id=conversation_id, title=title, lane="codegen", created_at=1_000.0, updated_at=2_000.0,
        messages=(
            StoredMessage(id=1, role=Role.USER, content="Write a parser for logs", created_at=1_000.0),
            StoredMessage(
                id=2, role=Role.ASSISTANT, content="Here is a parser.", created_at=1_001.0, completeness="full",
                target=LOCAL, latency_s=1.9, usage=Usage(output_tokens=312), cost_usd="0",
                seams=("cloud: rate limited → answering with gemma3:27b (local)",),
            ),
        ),
    )  # fmt: skip


def _view(conversation: Conversation) -> ConversationView:
    return ConversationView(
        id=conversation.id, title=conversation.title, lane=conversation.lane, created_at=conversation.created_at,
        updated_at=conversation.updated_at, messages=len(conversation.messages),
    )  # fmt: skip
