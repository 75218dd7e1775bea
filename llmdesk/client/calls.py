"""Calls of a program: each sent to a desk that opens with the first of them, its events put together to an answer."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal, TypeVar

from llmdesk.client.answering import Chunks, restart_chunk
from llmdesk.client.config import CLOUD, cloud_name, settings_of, targets_of
from llmdesk.client.errors import LLMUnavailableError
from llmdesk.core.errors import ErrorKind, UsageError
from llmdesk.core.types import (
    AttemptStarted,
    Completed,
    FailedOver,
    Finished,
    ModelRef,
    ReasoningDelta,
    Status,
    TextDelta,
    ToolCall,
)
from llmdesk.paths import process_environment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    from llmdesk.client.answering import Route
    from llmdesk.client.config import LLMConfig
    from llmdesk.core.types import DeskEvent, Json, Outcome
    from llmdesk.core.views import Ask
    from llmdesk.desk import Desk

Answer = TypeVar("Answer")

_log = logging.getLogger("llmdesk.client")


class Calls:
    """The calls of one client, and the desk behind them.

    Args:
        config: where the servers are and how they are asked.
        home: keep everything below this folder; ``None`` = in the user's own ones.
    """

    def __init__(self, config: LLMConfig, home: Path | None) -> None:
        self._config = config
        self._home = home
        self._settings = settings_of(config)
        self._desk: Desk | None = None
        self._entering = asyncio.Lock()
        self._entered = False
        self._closed = False
        self.answered_by: Literal["cloud", "local", "none"] | None = None
        """Who answered last; ``None`` before the first call has ended."""

    # --- the desk -------------------------------------------------------------------------------------------------

    @property
    def desk(self) -> Desk:
        """The desk; it is made, and not opened, when it is first looked at."""
        if self._desk is None:
            from llmdesk.wiring import make_desk

            env = dict(process_environment())
            if self._home is not None:
                env["LLMDESK_HOME"] = str(self._home)
            log = None if self._config.failover_logging else _log_without_failovers
            self._desk = make_desk(settings=self._settings, env=env, log=log)
        return self._desk

    async def open(self) -> Desk:
        """Open the desk, once.

        Raises:
            UsageError: it was closed.
        """
        async with self._entering:
            if self._closed:
                raise UsageError("This client is closed. Make a new one.")
            desk = self.desk
            if not self._entered:
                await desk.__aenter__()
                self._entered = True
        return desk

    async def aclose(self) -> None:
        """Close the desk for good; one that is just being opened is waited for."""
        async with self._entering:
            self._closed = True
            if self._desk is not None and self._entered:
                self._entered = False
                await self._desk.__aexit__(None, None, None)

    def targets(self, model: str | None) -> tuple[ModelRef, ...]:
        """The cloud's model by name, then whatever this machine has."""
        named = {CLOUD: ModelRef(CLOUD, cloud_name(model, self._config.cloud_endpoint))} if model else {}
        return tuple(named.get(ref.provider, ref) for ref in targets_of(self._settings))

    def targets_named(self, model: str) -> tuple[ModelRef, ...]:
        """The same model at each of them."""
        return tuple(ModelRef(ref.provider, model) for ref in targets_of(self._settings))

    # --- one call -------------------------------------------------------------------------------------------------

    async def answered(self, route: Route, ask: Ask) -> Json:
        """Wait for the answer: every chunk of the one attempt that was completed, joined."""
        chunks = Chunks(route)
        async with aclosing(self._events(ask)) as events:
            async for event in events:
                if isinstance(event, AttemptStarted):
                    chunks = Chunks(route)
                for chunk in _chunks_of(event):
                    chunks.add(chunk)
        return chunks.whole()

    async def streamed(self, route: Route, ask: Ask, read: Callable[[Json], Answer]) -> AsyncGenerator[Answer, None]:
        """Yield chunks as they come; the last one only when the answer is known to be whole and written down."""
        shown, last = False, None
        async with aclosing(self._events(ask)) as events:
            async for event in events:
                if isinstance(event, AttemptStarted):
                    last = None
                    if shown:
                        shown = False
                        yield read(restart_chunk(route, event.target.model))
                elif isinstance(event, Completed):
                    last = event.wire
                else:
                    for chunk in _chunks_of(event):
                        shown = True
                        yield read(chunk)
        if last is not None:
            yield read(last)

    async def embedded(self, ask: Ask) -> Json:
        """Wait for vectors."""
        answer: Json = {}
        async with aclosing(self._events(ask)) as events:
            async for event in events:
                if isinstance(event, Completed) and event.wire is not None:
                    answer = event.wire
        return answer

    async def _events(self, ask: Ask) -> AsyncGenerator[DeskEvent, None]:
        """Send a request and yield what happens to it; leaving early cancels it.

        Raises:
            LLMUnavailableError: nobody could answer.
            ollama.ResponseError: the request itself was wrong.
        """
        desk = await self.open()
        run = desk.send(ask)
        finished = False
        try:
            async for event in run:
                if isinstance(event, Finished):
                    finished = True
                    self._judge(event.outcome)
                elif isinstance(event, FailedOver) and self._config.failover_logging:
                    step = event.step
                    _log.warning("%s -> %s: %s", step.source, step.target, step.message)
                yield event
        finally:
            if not finished:
                run.cancel()
                await run.outcome()

    def _judge(self, outcome: Outcome) -> None:
        """Remember who answered, or raise why nobody did."""
        message = outcome.error.message if outcome.error else "Nobody answered."
        if outcome.status is Status.COMPLETED and outcome.target is not None:
            self.answered_by = "cloud" if outcome.target.provider == CLOUD else "local"
        elif outcome.status is Status.FAILED and outcome.error and outcome.error.kind is ErrorKind.REQUEST:
            from ollama import ResponseError

            statuses = [attempt.http_status for attempt in outcome.attempts if attempt.http_status is not None]
            raise ResponseError(message, *statuses[-1:])
        else:
            self.answered_by = "none"
            waits = outcome.kept and outcome.status is Status.PAUSED
            raise LLMUnavailableError(message, outcome.request_id if waits else None)


def _log_without_failovers(event: str, **values: object) -> None:
    """The log of the program this runs in, but for what it says of failovers."""
    from llmdesk.logs import get_log

    values.pop("failovers", None)
    get_log().info(event, **values)


def _chunks_of(event: DeskEvent) -> Sequence[Json]:
    """The chunks of the wire that an event was made of."""
    match event:
        case TextDelta() | ReasoningDelta():
            return event.wires
        case ToolCall() | Completed() if event.wire is not None:
            return (event.wire,)
        case _:
            return ()
