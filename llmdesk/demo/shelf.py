"""The models of a simulated server: which are on its disk, which are in its memory, and how they come and go."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from llmdesk.core.lanes import parse_parameter_size
from llmdesk.core.model_names import same_model
from llmdesk.core.values import dataclass
from llmdesk.demo.catalogue import SimModel
from llmdesk.demo.wire import WireError, json_line, timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

    from llmdesk.core.types import Json

DEFAULT_CONTEXT = 4096
"""``num_ctx`` where a request names none, tokens (server/routes.go Serve, below 23 GiB of graphics memory)."""

PULL_STEPS = 12
"""Progress lines of the large layer of a pull or push."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    context_tokens: int
    expires_at: datetime


class Shelf:
    """Disk and memory of one simulated server.

    Args:
        models: what is on disk at first.
        step_s: seconds between two progress lines.
        sleep: waits; tests pass one that does not.
        now: the time, with its zone.
    """

    def __init__(
        self,
        models: Iterable[SimModel],
        *,
        step_s: float = 0.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._models = {model.name: model for model in models}
        self._loaded: dict[str, _Loaded] = {}
        self._step_s = step_s
        self._sleep = sleep
        self._now = now

    def find(self, name: str) -> SimModel | None:
        """The model of that name (``x`` is ``x:latest``), if it is on disk."""
        return next((model for model in self._models.values() if same_model(name, model.name)), None)

    def tags(self) -> Json:
        """``/api/tags``: newest first."""
        newest_first = sorted(self._models.values(), key=lambda model: model.modified_at, reverse=True)
        return {"models": [model.listed() for model in newest_first]}

    # --- memory -------------------------------------------------------------------------------------------------

    def load(self, model: SimModel, *, context_tokens: int | None, keep_alive_s: float) -> bool:
        """Bring a model into memory for a while; true if it was not there with this window.

        The window is quietly lowered to what the model was trained for, as the real server does.
        """
        window = min(context_tokens or DEFAULT_CONTEXT, model.context_tokens)
        before = self._in_memory().get(model.name)
        expires_at = self._now() + timedelta(seconds=keep_alive_s)
        self._loaded[model.name] = _Loaded(context_tokens=window, expires_at=expires_at)
        return before is None or before.context_tokens != window

    def unload(self, model: SimModel) -> None:
        """Take a model out of memory."""
        self._loaded.pop(model.name, None)

    def window(self, model: SimModel) -> int:
        """The context the model is loaded with, tokens."""
        loaded = self._loaded.get(model.name)
        return loaded.context_tokens if loaded else DEFAULT_CONTEXT

    def running(self) -> Json:
        """``/api/ps``: longest to live first."""
        entries = sorted(self._in_memory().items(), key=lambda item: item[1].expires_at, reverse=True)
        return {"models": [self._ps_entry(self._models[name], loaded) for name, loaded in entries]}

    def _in_memory(self) -> dict[str, _Loaded]:
        now = self._now()
        self._loaded = {
            name: loaded for name, loaded in self._loaded.items() if name in self._models and loaded.expires_at > now
        }
        return self._loaded

    def _ps_entry(self, model: SimModel, loaded: _Loaded) -> Json:
        size = model.size_bytes + loaded.context_tokens * 65_536
        return {
            "name": model.name,
            "model": model.name,
            "size": size,
            "digest": model.digest,
            "details": model.details(),
            "expires_at": timestamp(loaded.expires_at),
            "size_vram": size,
            "context_length": loaded.context_tokens,
        }

    # --- disk ---------------------------------------------------------------------------------------------------

    async def pull(self, name: str) -> AsyncGenerator[bytes, None]:
        """Progress lines of a pull; every name that begins with ``demo-`` can be had, no other."""
        yield json_line({"status": "pulling manifest"})
        await self._sleep(self._step_s)
        if not name.startswith("demo-"):
            yield json_line({"error": "pull model manifest: file does not exist (DEMO: only demo-… can be pulled)"})
            return
        full_name = name if ":" in name else name + ":latest"
        model = self._models.get(full_name) or self._made(full_name)
        layers = ((model.digest, model.size_bytes, PULL_STEPS), (model.digest[::-1], 8_432, 1))
        for digest, total, steps in layers:
            layer = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": total}
            yield json_line(layer)
            for step in range(1, steps + 1):
                await self._sleep(self._step_s)
                yield json_line({**layer, "completed": total * step // steps})
        for status in ("verifying sha256 digest", "writing manifest"):
            yield json_line({"status": status})
        self._models[full_name] = model
        yield json_line({"status": "success"})

    async def push(self, name: str) -> AsyncGenerator[bytes, None]:
        """Progress lines of a push; nothing goes anywhere, and only names below ``demo/`` are one's own."""
        yield json_line({"status": "retrieving manifest"})
        await self._sleep(self._step_s)
        if (model := self.find(name)) is None:
            yield json_line({"error": f"model '{name}' not found"})
            return
        digest, total = model.digest, model.size_bytes
        layer = {"status": f"pushing {digest[:12]}", "digest": f"sha256:{digest}", "total": total}
        yield json_line(layer)
        if not name.startswith("demo/"):
            yield json_line({"error": "unauthorized: access denied (DEMO: only demo/… can be pushed)"})
            return
        for step in range(1, PULL_STEPS + 1):
            await self._sleep(self._step_s)
            yield json_line({**layer, "completed": total * step // PULL_STEPS})
        for status in ("pushing manifest", "success"):
            yield json_line({"status": status})

    async def create(self, name: str, base: str, system: str) -> AsyncGenerator[bytes, None]:
        """Progress lines of a model made from another one."""
        yield json_line({"status": "gathering model components"})
        await self._sleep(self._step_s)
        if (source := self.find(base)) is None:
            yield json_line({"error": f"pull model manifest: file does not exist: {base}"})
            return
        yield json_line({"status": f"using existing layer sha256:{source.digest}"})
        await self._sleep(self._step_s)
        full_name = name if ":" in name else name + ":latest"
        self._models[full_name] = replace(source, name=full_name, system=system, modified_at=timestamp(self._now()))
        yield json_line({"status": "writing manifest"})
        yield json_line({"status": "success"})

    def copy(self, source: str, destination: str) -> None:
        """Put a model on the shelf under a second name.

        Raises:
            WireError: there is no such model.
        """
        full_name = destination if ":" in destination else destination + ":latest"
        self._models[full_name] = replace(self._require(source), name=full_name, modified_at=timestamp(self._now()))

    def delete(self, name: str) -> None:
        """Remove a model from disk and memory.

        Raises:
            WireError: there is no such model.
        """
        model = self._require(name)
        self.unload(model)
        del self._models[model.name]

    def _require(self, name: str) -> SimModel:
        if (model := self.find(name)) is None:
            raise WireError(404, f"model '{name}' not found")
        return model

    def _made(self, name: str) -> SimModel:
        """A model for a name nobody has described: its size is read from its tag."""
        parameters = parse_parameter_size(name.rpartition(":")[2]) or 4e9
        return SimModel(
            name=name,
            parameters=parameters,
            size_bytes=int(parameters * 0.62),
            context_tokens=32_768,
            capabilities=("completion",),
            modified_at=timestamp(self._now()),
        )
