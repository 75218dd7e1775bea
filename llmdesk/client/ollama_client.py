"""The client: calls as the ``ollama`` package has them, answered by the cloud, else by this machine, else kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Self, overload

from llmdesk.client.answering import chat_response, embed_response, generate_response
from llmdesk.client.asking import images_of, messages_of, params_of, tools_of, wire_fields
from llmdesk.client.calls import Calls
from llmdesk.client.config import CLOUD, LLMConfig
from llmdesk.client.errors import LLMUnavailableError
from llmdesk.core.errors import UsageError
from llmdesk.core.types import Message, Role
from llmdesk.core.views import Ask, ProviderState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    import ollama

    from llmdesk.core.types import Json

__all__ = ["LLMUnavailableError", "OllamaClient"]

Given = Mapping[str, object]


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
        self._calls = Calls(self.config, home)

    async def __aenter__(self) -> Self:
        await self._calls.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Pause what still runs, write it down, and close every connection. The client cannot be used again."""
        await self._calls.aclose()

    # --- who answers ---

    def is_cloud_available(self) -> bool:
        """Whether the next call would ask the cloud: there is a key, and no cooldown. Nothing is sent."""
        return any(
            status.provider == CLOUD
            and status.state not in (ProviderState.NO_KEY, ProviderState.COOLING, ProviderState.ATTENTION)
            for status in self._calls.desk.providers()
        )

    @property
    def current_provider(self) -> Literal["cloud", "local", "none"]:
        """Who answered last; ``none`` when nobody could. Before the first call: who would be asked first."""
        if self._calls.answered_by is None:
            return "cloud" if self.is_cloud_available() else "local"
        return self._calls.answered_by

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
            targets=self._calls.targets(model),
            params=params,
            format=_format(format),
            tools=tools_of(tools),
            extra=wire_fields(passed, more),
            consent=True,
            keep_wire=True,
        )
        if stream:
            return self._calls.streamed("chat", ask, chat_response)
        return chat_response(await self._calls.answered("chat", ask))

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
            targets=self._calls.targets(model),
            params=params,
            format=_format(format),
            extra=wire_fields(passed, {**more, "suffix": suffix}),
            consent=True,
            keep_wire=True,
        )
        if stream:
            return self._calls.streamed("generate", ask, generate_response)
        return generate_response(await self._calls.answered("generate", ask))

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
        params, passed = params_of(options, keep_alive)
        texts = input if isinstance(input, str) else list(input)
        fields = {**more, "input": texts, "truncate": truncate, "dimensions": dimensions}
        ask = Ask(
            endpoint="embed",
            messages=(),
            targets=self._calls.targets_named(model or self.config.embeddings_model),
            params=params,
            extra=wire_fields(passed, fields),
            consent=True,
            keep_wire=True,
            keep=False,
        )
        return embed_response(await self._calls.embedded(ask))


def _format(given: str | Given | None) -> str | Json | None:
    return given or None
