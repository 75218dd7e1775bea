"""The desk: one method for each thing a user can do; both faces and programs call it and nothing behind it.

Behind this facade stand the ``works``: ``asking`` (requests begin, and are owned), ``serving`` (the life of one, from
``choosing`` its lane and ``planning`` its route to ``settling`` and ``ending``), ``resuming`` (what is paused is asked
again by itself), ``inventory`` (providers, lanes, models), ``shelf`` (conversations put in order), ``reloading`` (the
settings are read again and changed), ``watch`` (what changed). Others are loaded when they are wanted: ``critic`` (an
output judged by its task), ``schemas`` (those a caller names), ``reports`` (what was used), ``archive`` (conversations
on paper), ``doctor`` (a look at everything). The composition root builds it: ``llmdesk.wiring``.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

from llmdesk.core.errors import StorageError, UsageError
from llmdesk.core.measures import Selection
from llmdesk.core.types import Params, Status
from llmdesk.core.views import Ask, Topic
from llmdesk.desk.history import failovers, request_id_of, request_view
from llmdesk.desk.planning import plan
from llmdesk.desk.run import Run
from llmdesk.desk.summaries import summary_ask
from llmdesk.desk.turns import ask_again, ask_to_go_on, forked
from llmdesk.desk.works import Works

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from llmdesk.core.exchange import Exchange
    from llmdesk.core.log_lines import LogLine
    from llmdesk.core.measures import AttemptRow, Grouping, Measures
    from llmdesk.core.types import DeskEvent, Json, Message, ModelRef, Outcome
    from llmdesk.core.views import (
        Attachment,
        BudgetView,
        Conversation,
        ConversationView,
        Discovery,
        Draft,
        FailoverRow,
        Finding,
        LaneView,
        ModelRow,
        OutboxEntry,
        Plan,
        ProviderStatus,
        RequestView,
        ScreenSettings,
        Verdict,
    )
    from llmdesk.desk.folders import FolderFiles
    from llmdesk.desk.parts import Parts
    from llmdesk.desk.reports import Period, Stats, StatsBy
    from llmdesk.providers.base import PullProgress, RunningModel

__all__ = ["Desk", "Run"]

DISCOVERY_LIMIT_S = 3.0
"""How long the first look around may take a provider, seconds."""


class Desk:
    """Everything a user can do. Use it as ``async with``: leaving it pauses what still runs and writes it down."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._works = works = Works(parts)
        self._asking = works.asking
        self._inventory = works.inventory
        self.configuration = works.configuration
        """The settings while the desk runs: read again when the file is edited, changed on the user's word."""
        self.shelf = works.shelf
        """Conversations put in order: renamed, pinned, tagged, put away, deleted and had back."""

    async def __aenter__(self) -> Self:
        """Claim what a killed instance left behind: its requests come back as paused, exactly once."""
        try:
            await self._works.open()
        except BaseException as error:  # cancelled in the middle of it: what was begun is closed all the same
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Pause what runs, wait for the writes, close connections and files."""
        await self._works.close()

    @property
    def default_lane(self) -> str:
        """The lane of a request that names none."""
        return self._parts.default_lane

    @property
    def screen(self) -> ScreenSettings:
        """What the configuration says of the screen."""
        return self._parts.screen

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know before asking: one line each, without repeats."""
        return tuple(dict.fromkeys(self._parts.warnings))

    def lane_notes(self, lane: str | None = None) -> tuple[str, ...]:
        """Which providers of a lane (default: the default lane) cannot be called although the user configured them."""
        found = self._parts.lanes.get(lane or self.default_lane)
        notes = self._parts.provider_notes
        asked = dict.fromkeys(ref.provider for ref in found.targets) if found is not None else {}
        return tuple(notes[name] for name in asked if name in notes)

    @property
    def demo(self) -> bool:
        """Whether everything here is simulated."""
        return self._parts.demo

    # --- asking ---

    def attach(self, path: Path) -> Attachment:
        """Read a text or image file.

        Raises:
            UsageError: it cannot be read, is too large, or is neither text nor an image.
        """
        from llmdesk.desk.attach import read_attachment

        return read_attachment(path)

    def attach_folder(self, folder: Path) -> FolderFiles:
        """Read the text and image files of a folder, and of the folders in it; blocks.

        Raises:
            UsageError: it is no folder, cannot be read, or holds nothing that can be attached.
        """
        from llmdesk.desk.folders import read_folder

        return read_folder(folder)

    def send(self, ask: Ask) -> Run:
        """Start a request; must be called from the event loop. The first event is ``Accepted``.

        Raises:
            UsageError: the prompt is empty, lane, agent or provider unknown, the schema unusable, or a value no JSON.
        """
        return self._asking.send(ask)

    async def again(
        self,
        conversation: str,
        request: str,
        *,
        prompt: str | None = None,
        lane: str | None = None,
        model: ModelRef | None = None,
        params: Params | None = None,
    ) -> Run:
        """Ask a turn of a conversation again, with its files; it and all after it become an earlier version.

        Args:
            conversation: its whole id.
            request: the request whose turn it is.
            prompt: the text to ask instead; ``None`` = the same.
            lane: the lane to ask; ``None`` = the conversation's.
            model: the model to ask instead of the lane's targets.
            params: laid over the lane's.

        Raises:
            UsageError: there is no such turn, or as for ``send``.
        """
        whole = await self.conversation(conversation)
        return self.send(ask_again(whole, request, prompt=prompt, lane=lane, model=model, params=params))

    async def go_on(
        self,
        conversation: str,
        request: str,
        *,
        model: ModelRef | None = None,
        lane: str | None = None,
        params: Params | None = None,
    ) -> Run:
        """Ask that an answer which broke off, or was cut by a limit, goes on; what came of it is sent along.

        Args:
            conversation: its whole id.
            request: the request whose answer it is.
            model: the model to ask instead of the lane's targets.
            lane: the lane to ask; ``None`` = the conversation's.
            params: laid over the lane's.

        Raises:
            UsageError: there is no such answer, it is whole, or it is an earlier version.
        """
        whole = await self.conversation(conversation)
        return self.send(ask_to_go_on(whole, request, lane=lane, model=model, params=params))

    async def compact(self, conversation: str, *, lane: str | None = None) -> Run:
        """Ask a lane (``None`` = the conversation's) to sum the conversation up; nothing of it is deleted.

        The summary is the outcome's text. Once it is whole it stands, for models, in the place of all before it; an
        outcome that is not completed, or has no whole text, leaves everything as it was, and says so.

        Raises:
            UsageError: there is no such conversation, or nothing new in it to sum up.
        """
        return self.send(summary_ask(await self.conversation(conversation), lane=lane))

    async def fork(self, conversation: str, request: str | None = None) -> Conversation:
        """Begin a conversation with all that was said up to and with a turn (``None`` = all that stands), files too.

        Raises:
            UsageError: there is no such turn or conversation.
        """
        parts = self._parts
        whole = await self.conversation(conversation)
        fork = forked(whole, request, new_id=parts.new_id, at=parts.clock())
        await parts.conversations.put(fork, newest=True)
        self._works.watch.changed(Topic.CONVERSATIONS)
        return await self.conversation(fork.id)

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
        """Ask a lane with complete messages and wait for the outcome.

        A request that fails does not raise: read ``status`` and ``error``. Cancelling the caller cancels the request.

        Raises:
            UsageError: there is no message, or the lane or agent is unknown.
        """
        ask = Ask(messages=tuple(messages), lane=lane, params=params or Params(), agent=agent, job=job, schema=schema)
        return await self.send(ask).to_its_end()

    async def critique(
        self,
        *,
        task: str,
        output: str,
        lane: str = "critic",
        model: ModelRef | None = None,
        agent: str | None = None,
        job: str | None = None,
        timeout_s: float | None = None,
        consent: bool = False,
        notice: Callable[[DeskEvent], None] | None = None,
    ) -> Verdict:
        """Let a critic judge whether ``output`` does what ``task`` asks; a critic that cannot run escalates.

        The request is recorded like any other but belongs to no conversation, and does not wait in the outbox when
        nobody can answer: by then it has escalated.

        Args:
            task: what was to be done; both texts are data to the critic, whatever they say.
            output: what came of it.
            lane: who judges.
            model: ask this model instead of the lane's targets.
            agent: in whose name.
            job: what it counts to.
            timeout_s: how long it may take in all, seconds; ``None`` = as long as the lane allows.
            consent: failovers need no question, and a request that cannot be kept is sent all the same.
            notice: told of each event on the way.

        Raises:
            UsageError: the task is empty, or the lane, agent or provider does not exist.
        """
        from llmdesk.desk.critic import critic_ask, verdict_of

        found = self._parts.lanes.get(lane)
        ask = critic_ask(task, output, house_rules=found.system if found is not None else None)
        ask = replace(ask, lane=lane, model=model, agent=agent, job=job, timeout_s=timeout_s)
        outcome = await self.send(replace(ask, consent=consent, unkept_ok=consent)).to_its_end(notice)
        if outcome.status is Status.PAUSED:
            with suppress(StorageError):
                await self._parts.requests.drop(outcome.request_id)
            self._works.watch.changed(Topic.OUTBOX)
        return verdict_of(outcome)

    async def plan(self, ask: Ask) -> Plan:
        """Say what ``send`` would do; nothing is sent."""
        return await plan(self._parts, ask)

    def lanes(self) -> tuple[LaneView, ...]:
        """All lanes in order, each with its targets as they stand now (no network)."""
        return self._inventory.lanes()

    # --- the outbox and what happened ---

    async def outbox(self) -> tuple[OutboxEntry, ...]:
        """The paused requests, oldest first."""
        return await self._parts.requests.outbox()

    async def retry(self, request_id: str, *, probe: bool = False, consent: bool = False) -> Run:
        """Take a paused request out of the outbox and ask again; exactly one instance gets it.

        Raises:
            UsageError: there is no such paused request (any more), or what it names is not configured any more; then it
                stays in the outbox.
        """
        whole = await request_id_of(self._parts, request_id)
        return await self._asking.retry(whole, probe=probe, consent=consent)

    async def keep_resuming(self, on_run: Callable[[OutboxEntry, Run], bool]) -> None:
        """Ask the paused requests of lanes with ``resume: auto`` again when their time has come, until cancelled.

        Those an earlier run of the program left behind come first. It is for a face that stays open; it ends with the
        desk, and at once where no lane resumes by itself.

        Args:
            on_run: told of each request that is taken up. True = the caller reads its events and answers its questions;
                false = nobody watches it, and a failover that needs consent pauses it.
        """
        await self._works.resuming.keep(on_run)

    async def paused_ask(self, request_id: str) -> Ask:
        """What a paused request asks, with its files; it goes on waiting.

        Raises:
            UsageError: there is no such paused request, or this version cannot read it.
        """
        return await self._asking.paused_ask(await request_id_of(self._parts, request_id))

    async def drop(self, request_id: str) -> None:
        """Remove a paused request for good.

        Raises:
            UsageError: there is no such paused request.
        """
        if not await self._parts.requests.drop(await request_id_of(self._parts, request_id)):
            raise UsageError(f"No paused request {request_id}. List them with: llmdesk outbox list")
        self._works.watch.changed(Topic.OUTBOX)

    async def request(self, request_id: str) -> RequestView:
        """One request (an unambiguous beginning of its id will do) with every attempt and skip.

        Raises:
            UsageError: no request, or more than one, has that id.
        """
        return await request_view(self._parts, request_id)

    async def exchanges(self, request_id: str) -> tuple[Exchange, ...]:
        """What was sent and received for a request, call by call, without secrets.

        Args:
            request_id: its whole id.

        Returns:
            The calls in order; empty = none is kept: they last only as long as the desk that made them, and only the
            last ones of it.
        """
        return await self._works.serving.exchanges.of(request_id)

    async def failovers(
        self,
        *,
        since: float | None = None,
        lane: str | None = None,
        provider: str | None = None,
        reason: str | None = None,
        limit: int = 500,
    ) -> tuple[FailoverRow, ...]:
        """Failover history, newest first, with those of requests that are still under way here.

        ``since`` is UTC epoch seconds; ``provider`` was left or gone to.
        """
        stepping = self._works.serving.stepping
        return await failovers(
            self._parts, stepping, since=since, lane=lane, provider=provider, reason=reason, limit=limit
        )

    # --- what it cost, and how it went ---

    async def budgets(self) -> tuple[BudgetView, ...]:
        """Every budget as it stands now, in the order of the configuration; those of jobs once for each job."""
        return await self._parts.spend.views()

    async def measures(self, selection: Selection | None = None, by: Sequence[Grouping] = ()) -> tuple[Measures, ...]:
        """Measure the attempts of ``selection`` (``None`` = all), one row a group.

        Raises:
            StorageError: the database cannot be read.
        """
        return await self._parts.measures.read(selection or Selection(), by)

    def attempts(self, selection: Selection | None = None) -> AsyncGenerator[AttemptRow]:
        """Yield the attempts and skips of ``selection`` (``None`` = all) in the order in which they were booked.

        Raises:
            StorageError: the database cannot be read.
        """
        return self._parts.measures.rows(selection or Selection())

    async def stats(self, period: Period = "month", by: StatsBy = "model") -> Stats:
        """What was used and what it cost in a period, and what free answers have saved.

        Raises:
            StorageError: the database cannot be read.
        """
        from llmdesk.desk.reports import stats

        return await stats(self._parts, period, by)

    async def check_names(self, selection: Selection) -> None:
        """Look whether everything that ``selection`` names is configured or was ever measured.

        Raises:
            UsageError: one is neither; it says which names there are.
            StorageError: the database cannot be read.
        """
        from llmdesk.desk.reports import check_names

        await check_names(self._parts, selection)

    # --- providers and models ---

    def providers(self) -> tuple[ProviderStatus, ...]:
        """Every provider as far as it is known now (no network); the last check's figures are remembered."""
        return self._inventory.providers()

    async def probe_provider(self, provider: str) -> ProviderStatus:
        """Call a provider although it rests; if it is well, its cooldown is taken back.

        Raises:
            UsageError: there is no such provider.
        """
        return await self._inventory.probe(provider)

    async def check_providers(self, *, timeout_s: float = 10.0) -> tuple[ProviderStatus, ...]:
        """Call every provider that is not cooling, in parallel, each within ``timeout_s``."""
        return await self._inventory.check(timeout_s)

    async def discover(self) -> Discovery:
        """Look around for the first-run card: Ollama running? models? key? Runs no command and opens no keychain."""
        from llmdesk.desk.doctor import discover

        return discover(self._parts, await self._inventory.look_around(DISCOVERY_LIMIT_S))

    async def models(self, provider: str | None = None) -> tuple[ModelRow, ...]:
        """List the models of one provider, or of all that can be asked (those that fail become a warning).

        Raises:
            ProviderError: the named provider could not be asked.
            UsageError: there is no such provider.
        """
        return await self._inventory.models(provider)

    async def show_model(self, ref: ModelRef) -> Json:
        """What the server tells about a model."""
        return await self._inventory.show(ref)

    async def running_models(self, provider: str | None = None) -> tuple[tuple[str, RunningModel], ...]:
        """What is in memory: (provider, model) pairs."""
        return await self._inventory.running(provider)

    def pull_model(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        """Fetch a model, yielding progress."""
        return self._inventory.pull(ref)

    def push_model(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        """Publish a model in the registry its name tells, yielding progress.

        Raises:
            UsageError: nothing may leave this machine.
        """
        return self._inventory.push(ref)

    def create_model(
        self, ref: ModelRef, *, base: str, system: str | None = None, parameters: Mapping[str, object] | None = None
    ) -> AsyncIterator[PullProgress]:
        """Make a model from another one, yielding progress."""
        return self._inventory.create(ref, base=base, system=system, parameters=parameters)

    async def copy_model(self, ref: ModelRef, destination: str) -> None:
        """Copy a model under a new name."""
        await self._inventory.copy(ref, destination)

    async def delete_model(self, ref: ModelRef) -> None:
        """Remove a model from disk."""
        await self._inventory.delete(ref)

    # --- conversations ---

    async def conversations(self, *, limit: int = 200, archived: bool = False) -> tuple[ConversationView, ...]:
        """Conversations: the pinned ones, then the most recently used; or those that were put away."""
        return await self._parts.conversations.list(limit, archived=archived)

    async def conversation(self, conversation_id: str) -> Conversation:
        """One conversation (an unambiguous beginning of its id will do).

        Raises:
            UsageError: no conversation, or more than one, has that id.
        """
        return await self._parts.conversations.get(conversation_id)

    async def latest_conversation(self, lane: str | None = None) -> str | None:
        """The id of the conversation used last, in ``lane`` if one is named; none that was put away."""
        return await self._parts.conversations.latest(lane)

    async def search(self, query: str, *, limit: int = 50) -> tuple[ConversationView, ...]:
        """Ranked full-text search over every message; each hit carries its snippet and message id."""
        return await self._parts.search(query, limit)

    async def keep_draft(self, draft: Draft) -> None:
        """Write down what is being written in a lane; an empty draft is forgotten.

        Raises:
            StorageError: it could not be written.
        """
        await self._parts.drafts.keep(draft)

    async def left_drafts(self) -> tuple[Draft, ...]:
        """Take over what instances that were ended have left unsent, one draft a lane; one instance gets it."""
        return await self._parts.drafts.claim()

    @property
    def prompts(self) -> Path:
        """The folder of the user's library of prompts; it need not exist."""
        return self._parts.paths.prompts

    async def recent_prompts(self, limit: int = 200) -> tuple[str, ...]:
        """What was asked in conversations so far, newest first, each text once."""
        return await self._parts.requests.recent_prompts(limit=limit)

    async def import_conversations(self, path: Path) -> tuple[ConversationView, ...]:
        """Take in the conversations that another program has kept, or that were exported as JSON.

        What is here already is left as it is; what a file holds that is no message is counted in ``warnings``.

        Returns:
            Those that are new here.

        Raises:
            UsageError: the file cannot be read, is too large, or is none that is known.
            StorageError: it could not be written; what was until then is there.
        """
        from llmdesk.desk.importing import take_in

        taken = await take_in(self._parts, path)
        self._works.watch.changed(Topic.CONVERSATIONS)
        return taken

    async def export_conversation(self, conversation_id: str, form: Literal["md", "json"] = "md") -> str:
        """A conversation as Markdown or JSON text."""
        from llmdesk.desk.archive import export

        return export(await self.conversation(conversation_id), form)

    async def remove_conversation(self, conversation_id: str) -> None:
        """Delete a conversation and its messages."""
        found = await self.conversation(conversation_id)
        await self._parts.conversations.remove(found.id)
        self._works.watch.changed(Topic.CONVERSATIONS)

    # --- looking after it ---

    async def doctor(self) -> tuple[Finding, ...]:
        """Look at versions, paths, permissions, providers, cooldowns and database."""
        from llmdesk.desk.doctor import examine

        return await examine(self._parts, await self._inventory.check(DISCOVERY_LIMIT_S))

    async def log_lines(self) -> tuple[LogLine, ...]:
        """The last lines of the log, oldest first.

        Raises:
            StorageError: it cannot be read.
        """
        import asyncio

        from llmdesk.desk.log_tail import read_log

        return await asyncio.to_thread(read_log, self._parts.paths.log_file)

    def watch(self) -> AsyncIterator[frozenset[Topic]]:
        """Yield what changed, in this instance or another one, for as long as it is iterated."""
        return self._works.watch()
