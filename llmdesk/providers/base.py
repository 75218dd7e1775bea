"""The provider seam: one stream method and a close, as every adapter offers them."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from llmdesk.core.types import ChatRequest, Json, ModelInfo, ProviderEvent
    from llmdesk.core.views import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Limits of one call, seconds (policy R11). ``total_s`` ``None`` = no limit on the whole.

    ``first_token_s`` runs from the request until the first byte of the answer's body, ``idle_s`` between bytes,
    ``content_s`` between bytes that carried content.
    """

    connect_s: float = 5.0
    write_s: float = 10.0
    pool_s: float = 20.0
    first_token_s: float = 60.0
    idle_s: float = 60.0
    content_s: float = 300.0
    total_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Limits on what a server may send, bytes (policy R11)."""

    line: int = 8 * 1024 * 1024
    answer: int = 16 * 1024 * 1024
    error_body: int = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a live look at a provider found.

    ``key_tried`` is false when nothing that was called needed the key. ``models`` counts what it lists, ``None`` =
    not asked; ``latency_ms`` is ``None`` where nothing was called. Failures are raised as ``ProviderError``, not
    returned.
    """

    latency_ms: int | None = None
    models: int | None = None
    key_tried: bool = False
    message: str = ""


class Provider(Protocol):
    """An adapter for one wire format, bound to one endpoint.

    Every foreign exception leaves it as a ``ProviderError``; ``asyncio.CancelledError`` passes untouched, and leaving
    the iteration in any way closes the connection.
    """

    def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        """Ask, and yield what comes; the last event is ``Completed``, or a ``ProviderError`` is raised."""
        ...

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """List the models this endpoint offers.

        Raises:
            ProviderError: it could not be asked.
        """
        ...

    async def check(self) -> Check:
        """Call something cheap that really needs the key; where there is no such thing, the key is not tried.

        Raises:
            ProviderError: the provider is not usable now.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PullProgress:
    """One progress line of a pull, push or create. ``total`` and ``completed`` are bytes, ``None`` = not told."""

    status: str
    digest: str = ""
    total: int | None = None
    completed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningModel:
    """A model in memory. Sizes in bytes; ``expires_at`` as the server prints it."""

    name: str
    size_bytes: int | None = None
    vram_bytes: int | None = None
    context_tokens: int | None = None
    expires_at: str = ""


@runtime_checkable
class ModelStore(Protocol):
    """What an endpoint offers that keeps models: pull, push, create, copy, delete, look inside (kind ``ollama``)."""

    async def show_model(self, name: str) -> Json:
        """Everything the server tells about one model, as it tells it (without its tensors)."""
        ...

    async def running_models(self) -> tuple[RunningModel, ...]:
        """What is in memory now."""
        ...

    def pull_model(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Fetch a model; a failure after HTTP 200 is raised like any other."""
        ...

    def push_model(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Publish a model in the registry its name tells; a failure after HTTP 200 is raised like any other."""
        ...

    def create_model(
        self, name: str, *, base: str, system: str | None = None, parameters: Mapping[str, object] | None = None
    ) -> AsyncGenerator[PullProgress, None]:
        """Make a model from another one."""
        ...

    async def copy_model(self, source: str, destination: str) -> None:
        """Copy a model under a new name."""
        ...

    async def delete_model(self, name: str) -> None:
        """Remove a model from disk."""
        ...


@runtime_checkable
class PlanUsage(Protocol):
    """What an endpoint offers that may tell how much of a plan is used (kind ``ollama``)."""

    async def quotas(self) -> tuple[Quota, ...]:
        """Each limit of the plan; nothing where there is no key, or nothing is told.

        Raises:
            ProviderError: it could not be asked.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Everything an adapter is told: plain values, no settings object.

    ``headers`` and ``key`` are sent to ``base_url``'s own origin only; ``key_source`` says where the key came from
    (``$NAME``), for messages. ``options`` are the kind's own settings.
    """

    name: str
    base_url: str
    key: str | None = field(default=None, repr=False)
    key_source: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeouts: Timeouts = Timeouts()
    caps: Caps = Caps()
    allow_http: bool = False
    models: Sequence[str] = ()
    options: Json = field(default_factory=dict)
