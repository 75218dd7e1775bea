"""The desk: one method for each thing a user can do; both faces and programs call it and nothing behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from llmdesk.core.types import DeskEvent, Json, Message, ModelRef, Outcome, Params
from llmdesk.core.views import (
    Ask,
    Attachment,
    Conversation,
    ConversationView,
    Discovery,
    FailoverRow,
    Finding,
    LaneView,
    ModelRow,
    OutboxEntry,
    Plan,
    ProviderStatus,
    RequestView,
    ScreenSettings,
    Topic,
)

if TYPE_CHECKING:
    from llmdesk.providers.base import PullProgress, RunningModel


class Run:
    """One request under way: iterate it for its events, and steer it.

    The desk owns the work; leaving the iteration early does not stop it, ``cancel`` does.
    """

    request_id: str

    def __aiter__(self) -> AsyncIterator[DeskEvent]:
        """Yield every event, ``Finished`` last. One consumer only."""
        raise NotImplementedError

    async def outcome(self) -> Outcome:
        """Wait for the end."""
        raise NotImplementedError

    def retry_now(self) -> None:
        """Cut a wait short and ask the same target again."""

    def next_target(self) -> None:
        """Leave the target that is asked or waited for, and go to the next one."""

    def consent(self, go: bool) -> None:
        """Answer ``ConsentNeeded``; no = the request is paused."""

    def cancel(self, *, keep: bool = False) -> None:
        """Stop. With ``keep`` the request goes to the outbox (paused) instead of ending as cancelled."""


class Desk:
    """Everything a user can do. Use it as ``async with``: leaving it pauses what still runs and writes it down."""

    default_lane: str
    screen: ScreenSettings
    warnings: tuple[str, ...]
    demo: bool

    async def __aenter__(self) -> Desk:
        """Claim what a killed instance left behind."""
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Pause what runs, wait for the writes, close connections and files."""

    # --- asking -----------------------------------------------------------------------------------------------

    def attach(self, path: Path) -> Attachment:
        """Read a text or image file.

        Raises:
            UsageError: it cannot be read, is too large, or is neither text nor an image.
        """
        raise NotImplementedError

    def send(self, ask: Ask) -> Run:
        """Start a request; must be called from the event loop. The first event is ``Accepted``.

        Raises:
            UsageError: the prompt is empty, or the lane, agent, provider or conversation is unknown.
        """
        raise NotImplementedError

    async def generate(
        self,
        *,
        messages: Sequence[Message],
        lane: str | None = None,
        schema: Json | None = None,
        params: Params | None = None,
        agent: str | None = None,
        job: str | None = None,
    ) -> Outcome:
        """Ask a lane with complete messages and wait for the outcome (never raises for a failed request)."""
        raise NotImplementedError

    async def plan(self, ask: Ask) -> Plan:
        """Say what ``send`` would do; nothing is sent."""
        raise NotImplementedError

    def lanes(self) -> tuple[LaneView, ...]:
        """All lanes in order, each with its targets as they stand now (no network)."""
        raise NotImplementedError

    # --- the outbox and what happened ---------------------------------------------------------------------------

    async def outbox(self) -> tuple[OutboxEntry, ...]:
        """The paused requests, oldest first."""
        raise NotImplementedError

    async def retry(self, request_id: str, *, probe: bool = False, consent: bool = False) -> Run:
        """Take a paused request out of the outbox and ask again; exactly one instance gets it.

        Raises:
            UsageError: there is no such paused request (any more).
        """
        raise NotImplementedError

    async def drop(self, request_id: str) -> None:
        """Remove a paused request for good.

        Raises:
            UsageError: there is no such paused request.
        """

    async def request(self, request_id: str) -> RequestView:
        """One request (an unambiguous beginning of its id will do) with every attempt and skip.

        Raises:
            UsageError: no request, or more than one, has that id.
        """
        raise NotImplementedError

    async def failovers(
        self, *, since: float | None = None, lane: str | None = None, limit: int = 500
    ) -> tuple[FailoverRow, ...]:
        """Failover history, newest first."""
        raise NotImplementedError

    # --- providers and models -----------------------------------------------------------------------------------

    def providers(self) -> tuple[ProviderStatus, ...]:
        """Every provider as far as it is known now (no network); the last check's figures are remembered."""
        raise NotImplementedError

    async def check_providers(self, *, timeout_s: float = 10.0) -> tuple[ProviderStatus, ...]:
        """Call every provider that is not cooling, in parallel, each within ``timeout_s``."""
        raise NotImplementedError

    async def discover(self) -> Discovery:
        """Look around for the first-run card: Ollama running? models? key?"""
        raise NotImplementedError

    async def models(self, provider: str | None = None) -> tuple[ModelRow, ...]:
        """List the models of one provider, or of all that can be asked (those that fail are left out with a warning).

        Raises:
            ProviderError: the named provider could not be asked.
        """
        raise NotImplementedError

    async def show_model(self, ref: ModelRef) -> Json:
        """What the server tells about a model."""
        raise NotImplementedError

    async def running_models(self, provider: str | None = None) -> tuple[tuple[str, RunningModel], ...]:
        """What is in memory: (provider, model) pairs."""
        raise NotImplementedError

    def pull_model(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        """Fetch a model, yielding progress."""
        raise NotImplementedError

    def create_model(
        self, ref: ModelRef, *, base: str, system: str | None = None, parameters: Mapping[str, object] | None = None
    ) -> AsyncIterator[PullProgress]:
        """Make a model from another one, yielding progress."""
        raise NotImplementedError

    async def copy_model(self, ref: ModelRef, destination: str) -> None:
        """Copy a model under a new name."""

    async def delete_model(self, ref: ModelRef) -> None:
        """Remove a model from disk."""

    # --- conversations ------------------------------------------------------------------------------------------

    async def conversations(self, *, limit: int = 200) -> tuple[ConversationView, ...]:
        """Conversations, most recently used first."""
        raise NotImplementedError

    async def conversation(self, conversation_id: str) -> Conversation:
        """One conversation (an unambiguous beginning of its id will do).

        Raises:
            UsageError: no conversation, or more than one, has that id.
        """
        raise NotImplementedError

    async def search(self, query: str, *, limit: int = 50) -> tuple[ConversationView, ...]:
        """Ranked full-text search over every message; each hit carries its snippet and message id."""
        raise NotImplementedError

    async def export_conversation(self, conversation_id: str, form: Literal["md", "json"] = "md") -> str:
        """A conversation as Markdown or JSON text."""
        raise NotImplementedError

    async def remove_conversation(self, conversation_id: str) -> None:
        """Delete a conversation and its messages."""

    # --- looking after it ---------------------------------------------------------------------------------------

    async def doctor(self) -> tuple[Finding, ...]:
        """Look at versions, paths, permissions, providers, cooldowns, database and terminal."""
        raise NotImplementedError

    def watch(self) -> AsyncIterator[frozenset[Topic]]:
        """Yield what changed, in this instance or another one, for as long as it is iterated."""
        raise NotImplementedError
