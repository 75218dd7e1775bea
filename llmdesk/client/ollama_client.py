"""The client: calls as the ``ollama`` package has them, answered by the cloud, else by this machine, else kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal, Self, TypeVar, overload

from llmdesk.client.answering import (
    Chunks,
    chat_response,
    embed_response,
    generate_response,
    restart_chunk,
)
from llmdesk.client.asking import images_of, messages_of, params_of, tools_of, wire_fields
from llmdesk.client.config import CLOUD, LLMConfig, cloud_name, settings_of, targets_of
from llmdesk.core.errors import DeskError, ErrorKind, UsageError
from llmdesk.core.types import (
    AttemptStarted,
    Completed,
    FailedOver,
    Finished,
    Message,
    ModelRef,
    ReasoningDelta,
    Role,
    Status,
    TextDelta,
    ToolCall,
)
from llmdesk.core.views import Ask, ProviderState
from llmdesk.paths import process_environment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    import ollama

    from llmdesk.client.answering import (
        Route,
    )
    from llmdesk.core.types import (
        DeskEvent,
        Json,
        Outcome,
    )
    from llmdesk.desk import Desk

Given = Mapping[str, object]
Answer = TypeVar("Answer")

_log = logging.getLogger("llmdesk.client")


class LLMUnavailableError(DeskError):
    """Nobody could answer, or a hard budget forbids to ask.

    Args:
        message: one line: what happened to the last one asked, and when it may be better.
        request_id: the request in the outbox, for ``llmdesk outbox``; ``None`` = it does not wait there.
    """

    def __init__(self, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.request_id = request_id


class OllamaClient:
    """Ask Ollama's cloud first, then this machine; nothing that was asked is lost.

    Use it as ``async with``, or call ``aclose`` at the end. One client serves one event loop, and any number of calls
    at the same time. Programs, the desk and the command line share cooldowns, outbox and history on disk.

    Args:
        config: where the two are and how they are asked; the environment and the defaults decide what is not given.
        home: keep everything below this folder instead of the user's own ones.
    """

    def __init__(self, config: LLMConfig | None = None, *, home: Path | None = None) -> None:
        self.config = LLMConfig() if config is None else config
        self._home = home
        self._settings = settings_of(self.config)
        self._desk: Desk | None = None
        self._entering = asyncio.Lock()
        self._entered = False
        self._closed = False
        self._answered_by: Literal["cloud", "local", "none"] | None = None

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Pause what still runs, write it down, and close every connection. The client cannot be used again."""
        self._closed = True
        if self._desk is not None and self._entered:
            self._entered = False
            await self._desk.__aexit__(None, None, None)

    # --- who answers ---

    def is_cloud_available(self) -> bool:
        """Whether the next call would ask the cloud: there is a key, and no cooldown. Nothing is sent."""
        return any(
            status.provider == CLOUD
            and status.state not in (ProviderState.NO_KEY, ProviderState.COOLING, ProviderState.ATTENTION)
            for status in self._made().providers()
        )

    @property
    def current_provider(self) -> Literal["cloud", "local", "none"]:
        """Who answered last; ``none`` when nobody could. Before the first call: who would be asked first."""
        if self._answered_by is None:
            return "cloud" if self.is_cloud_available() else "local"
        return self._answered_by

    # --- asking ---

    @overload
    async def chat(
        self,
        model: str | None = None,
        messages: Sequence[Given | ollama.Message] | None = None,
        *,
        tools: Sequence[Given | ollama.Tool | Callable[..., object]] | None = None,
        stream: Literal[False] = False,
        format: str | Given | None = None,
        options: Given | ollama.Options | None = None,
        keep_alive: float | str | None = None,
        **more: object,
    ) -> ollama.ChatResponse: ...

    @overload
    async def chat(
        self,
        model: str | None = None,
        messages: Sequence[Given | ollama.Message] | None = None,
        *,
        tools: Sequence[Given | ollama.Tool | Callable[..., object]] | None = None,
        stream: Literal[True],
        format: str | Given | None = None,
        options: Given | ollama.Options | None = None,
        keep_alive: float | str | None = None,
        **more: object,
    ) -> AsyncGenerator[ollama.ChatResponse, None]: ...

    async def chat(
        self,
        model: str | None = None,
        messages: Sequence[Given | ollama.Message] | None = None,
        *,
        tools: Sequence[Given | ollama.Tool | Callable[..., object]] | None = None,
        stream: bool = False,
        format: str | Given | None = None,  # noqa: A002 - the package's name
        options: Given | ollama.Options | None = None,
        keep_alive: float | str | None = None,
        **more: object,
    ) -> ollama.ChatResponse | AsyncGenerator[ollama.ChatResponse, None]:
        """Answer a conversation.

        Args:
            model: the cloud's model; the default one if not given. On this machine the largest one that fits answers,
                or the first of ``local_models`` that is there.
            messages: mappings or ``ollama.Message`` objects, oldest first.
            tools: tools the model may call: JSON descriptions, ``ollama.Tool`` objects or functions.
            stream: return an iterator of chunks. A chunk whose ``done_reason`` is ``restart`` voids those before it.
            format: ``"json"`` or a JSON Schema.
            options: Ollama's options.
            keep_alive: how long a local model stays in memory.
            more: any other field of ``/api/chat`` (``think``, ``logprobs`` …), passed on as it is.

        Raises:
            UsageError: the call itself makes no sense.
            LLMUnavailableError: nobody could answer, and the request is in the outbox; or a hard budget blocks it.
            ollama.ResponseError: the server found the request itself wrong.
        """
        params, passed = params_of(options, keep_alive)
        ask = Ask(
            messages=messages_of(messages),
            targets=self._targets(model),
            params=params,
            format=_format(format),
            tools=tools_of(tools),
            extra=wire_fields(passed, more),
            consent=True,
            keep_wire=True,
        )
        if stream:
            return self._streamed("chat", ask, chat_response)
        return chat_response(await self._answered("chat", ask))

    @overload
    async def generate(
        self,
        model: str | None = None,
        prompt: str = "",
        suffix: str | None = None,
        *,
        system: str | None = None,
        images: Sequence[str | bytes | ollama.Image] | None = None,
        stream: Literal[False] = False,
        format: str | Given | None = None,
        options: Given | ollama.Options | None = None,
        keep_alive: float | str | None = None,
        **more: object,
    ) -> ollama.GenerateResponse: ...

    @overload
    async def generate(
        self,
        model: str | None = None,
        prompt: str = "",
        suffix: str | None = None,
        *,
        system: str | None = None,
        images: Sequence[str | bytes | ollama.Image] | None = None,
        stream: Literal[True],
        format: str | Given | None = None,
        options: Given | ollama.Options | None = None,
        keep_alive: float | str | None = None,
        **more: object,
    ) -> AsyncGenerator[ollama.GenerateResponse, None]: ...

    async def generate(
        self,
        model: str | None = None,
        prompt: str = "",
        suffix: str | None = None,
        *,
        system: str | None = None,
        images: Sequence[str | bytes | ollama.Image] | None = None,
        stream: bool = False,
        format: str | Given | None = None,  # noqa: A002 - the package's name
        options: Given | ollama.Options | None = None,
        keep_alive: float | str | None = None,
        **more: object,
    ) -> ollama.GenerateResponse | AsyncGenerator[ollama.GenerateResponse, None]:
        """Complete a prompt. Arguments and failures as in ``chat``; ``more`` are fields of ``/api/generate``."""
        if not prompt.strip():
            raise UsageError("prompt is empty. An empty prompt would only load the model.")
        before = (Message(role=Role.SYSTEM, content=system),) if system else ()
        params, passed = params_of(options, keep_alive)
        ask = Ask(
            endpoint="generate",
            messages=(*before, Message(role=Role.USER, content=prompt, images=images_of(images))),
            targets=self._targets(model),
            params=params,
            format=_format(format),
            extra=wire_fields(passed, {**more, "suffix": suffix}),
            consent=True,
            keep_wire=True,
        )
        if stream:
            return self._streamed("generate", ask, generate_response)
        return generate_response(await self._answered("generate", ask))

    async def embed(  # noqa: PLR0917 - the package's order
        self,
        model: str | None = None,
        input: str | Sequence[str] = "",  # noqa: A002 - the package's name
        truncate: bool | None = None,
        options: Given | ollama.Options | None = None,
        keep_alive: float | str | None = None,
        dimensions: int | None = None,
        **more: object,
    ) -> ollama.EmbedResponse:
        """Turn texts into vectors: on the cloud or on this machine, always with the same model.

        Vectors of two models cannot be compared, so failing over never changes it. Nothing is put into the outbox.

        Args:
            model: the model; the configuration's ``embeddings_model`` if not given.
            input: a text, or several.
            truncate: whether texts that are too long are cut.
            options: Ollama's options.
            keep_alive: how long a local model stays in memory.
            dimensions: how long the vectors are.
            more: any other field of ``/api/embed``.

        Raises:
            LLMUnavailableError: nobody could; its ``request_id`` is ``None``.
            ollama.ResponseError: the server found the request itself wrong.
        """
        name = model or self.config.embeddings_model
        params, passed = params_of(options, keep_alive)
        texts = input if isinstance(input, str) else list(input)
        fields = {**more, "input": texts, "truncate": truncate, "dimensions": dimensions}
        ask = Ask(
            endpoint="embed",
            messages=(),
            targets=tuple(ModelRef(ref.provider, name) for ref in targets_of(self._settings)),
            params=params,
            extra=wire_fields(passed, fields),
            consent=True,
            keep_wire=True,
            keep=False,
        )
        answer: Json = {}
        async with aclosing(self._events(ask)) as events:
            async for event in events:
                if isinstance(event, Completed) and event.wire is not None:
                    answer = event.wire
        return embed_response(answer)

    # --- one request ---

    async def _answered(self, route: Route, ask: Ask) -> Json:
        """Wait for the answer: every chunk of the one attempt that was completed, joined."""
        chunks = Chunks(route)
        async with aclosing(self._events(ask)) as events:
            async for event in events:
                if isinstance(event, AttemptStarted):
                    chunks = Chunks(route)
                for chunk in _chunks_of(event):
                    chunks.add(chunk)
        return chunks.whole()

    async def _streamed(self, route: Route, ask: Ask, read: Callable[[Json], Answer]) -> AsyncGenerator[Answer, None]:
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

    async def _events(self, ask: Ask) -> AsyncGenerator[DeskEvent, None]:
        """Send a request and yield what happens to it; leaving early cancels it.

        Raises:
            LLMUnavailableError: nobody could answer.
            ollama.ResponseError: the request itself was wrong.
        """
        desk = await self._open()
        run = desk.send(ask)
        finished = False
        try:
            async for event in run:
                if isinstance(event, Finished):
                    finished = True
                    self._judge(event.outcome)
                elif isinstance(event, FailedOver) and self.config.failover_logging:
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
            self._answered_by = "cloud" if outcome.target.provider == CLOUD else "local"
        elif outcome.status is Status.FAILED and outcome.error and outcome.error.kind is ErrorKind.REQUEST:
            from ollama import ResponseError

            statuses = [attempt.http_status for attempt in outcome.attempts if attempt.http_status is not None]
            raise ResponseError(message, *statuses[-1:])
        else:
            self._answered_by = "none"
            waits = outcome.kept and outcome.status is Status.PAUSED
            raise LLMUnavailableError(message, outcome.request_id if waits else None)

    # --- the desk behind it ---

    def _targets(self, model: str | None) -> tuple[ModelRef, ...]:
        """The cloud's model by name, then whatever this machine has."""
        named = {CLOUD: ModelRef(CLOUD, cloud_name(model, self.config.cloud_endpoint))} if model else {}
        return tuple(named.get(ref.provider, ref) for ref in targets_of(self._settings))

    async def _open(self) -> Desk:
        if self._closed:
            raise UsageError("This client is closed. Make a new one.")
        async with self._entering:
            desk = self._made()
            if not self._entered:
                await desk.__aenter__()
                self._entered = True
        return desk

    def _made(self) -> Desk:
        if self._desk is None:
            from llmdesk.wiring import make_desk

            env = dict(process_environment())
            if self._home is not None:
                env["LLMDESK_HOME"] = str(self._home)
            log = None if self.config.failover_logging else _log_without_failovers
            self._desk = make_desk(settings=self._settings, env=env, log=log)
        return self._desk


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


def _format(given: str | Given | None) -> str | Json | None:
    return given or None
