"""Models kept by an Ollama server: lists read, and pull, push, create, copy, delete through the ``ollama`` package.

The package is imported (190 ms) when one of these is really used. What it does on its own is undone here: it follows
redirects, waits for ever, sends ``$OLLAMA_API_KEY`` to any host, and lets foreign exceptions through
(measured with ollama 0.6.3).
"""

from __future__ import annotations

import contextlib
from itertools import islice
from typing import TYPE_CHECKING

from llmdesk.core.errors import AnswerCut, ProviderError
from llmdesk.core.lanes import parse_parameter_size
from llmdesk.core.model_names import full_name, is_cloud_name
from llmdesk.core.text import one_line
from llmdesk.core.types import ModelInfo
from llmdesk.providers.base import PullProgress, RunningModel
from llmdesk.providers.http import client_settings, make_client
from llmdesk.providers.http_faults import mapped
from llmdesk.providers.model_list import MOST_MODELS
from llmdesk.providers.ollama.errors import failure, read_error, unwrap
from llmdesk.providers.reply import check_direct, size

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping

    import httpx
    import ollama

    from llmdesk.core.types import Json
    from llmdesk.providers.base import Endpoint


# --- lists ------------------------------------------------------------------------------------------------------------


def listed(name: str, tags: Mapping[str, object], running: Mapping[str, object]) -> tuple[ModelInfo, ...]:
    """Read ``/api/tags``, with the windows of ``/api/ps`` beside it.

    Raises:
        AnswerCut: it is no list of models.
    """
    entries = tags.get("models")
    if not isinstance(entries, list):
        raise AnswerCut(f"{name}: the list of models is damaged.")
    windows = {
        full_name(entry_name): window
        for entry in islice(_entries(running.get("models")), MOST_MODELS)
        if (entry_name := _name(entry)) and (window := _count(entry.get("context_length"))) is not None
    }
    return tuple(_listed(entry, windows) for entry in islice(_entries(entries), MOST_MODELS) if _name(entry))


def _listed(entry: Mapping[str, object], windows: Mapping[str, int]) -> ModelInfo:
    name = _name(entry)
    details = _mapping(entry.get("details"))
    return ModelInfo(
        name=name,
        size_bytes=_count(entry.get("size")),
        parameters=parse_parameter_size(_text(details.get("parameter_size"))),
        context_tokens=_count(details.get("context_length")),
        loaded_context_tokens=windows.get(full_name(name)),
        capabilities=_names(entry.get("capabilities")),
        # An entry of a few hundred bytes that only points to a model elsewhere (policy O15).
        remote=bool(entry.get("remote_host") or entry.get("remote_model")) or is_cloud_name(name),
        modified_at=_text(entry.get("modified_at")),
        quantization=_text(details.get("quantization_level")),
        family=_text(details.get("family")),
    )


def _entries(value: object) -> Iterator[Mapping[str, object]]:
    return (entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else iter(())


def _name(entry: Mapping[str, object]) -> str:
    return _text(entry.get("name")) or _text(entry.get("model"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _names(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


# --- the package ------------------------------------------------------------------------------------------------------


class ModelKeeping:
    """The ``ModelStore`` half of the adapter.

    Args:
        endpoint: where the models are kept.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def _call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, model: str = ""
    ) -> dict[str, object]:
        raise NotImplementedError

    async def show_model(self, name: str) -> Json:
        """Everything the server tells about one model, as it tells it, without its tensors.

        Raises:
            ProviderError: it could not be asked, or there is no such model.
        """
        shown = await self._call("POST", "/api/show", {"model": name}, model=name)
        shown.pop("tensors", None)
        return shown

    async def running_models(self) -> tuple[RunningModel, ...]:
        """What is in memory now.

        Raises:
            ProviderError: it could not be asked.
        """
        found = await self._call("GET", "/api/ps")
        return tuple(
            RunningModel(
                name=_name(entry),
                size_bytes=_count(entry.get("size")),
                vram_bytes=_size(entry.get("size_vram")),
                context_tokens=_count(entry.get("context_length")),
                expires_at=_text(entry.get("expires_at")),
            )
            for entry in _entries(found.get("models"))
            if _name(entry)
        )

    async def pull_model(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Fetch a model, telling how far it is.

        Raises:
            ProviderError: it could not be fetched, also after it began.
        """
        async with self._package(name) as package:
            lines = await package.pull(name, stream=True)
            async with contextlib.aclosing(self._followed(lines, "pull")) as steps:
                async for step in steps:
                    yield step

    async def push_model(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Publish a model in the registry its name tells, telling how far it is.

        Raises:
            ProviderError: it could not be published, also after it began.
        """
        async with self._package(name) as package:
            lines = await package.push(name, stream=True)
            async with contextlib.aclosing(self._followed(lines, "push")) as steps:
                async for step in steps:
                    yield step

    async def create_model(
        self, name: str, *, base: str, system: str | None = None, parameters: Mapping[str, object] | None = None
    ) -> AsyncGenerator[PullProgress, None]:
        """Make a model from ``base``, with its own system prompt and parameters.

        Raises:
            ProviderError: it could not be made, also after it began.
        """
        async with self._package(base) as package:
            lines = await package.create(
                name, from_=base, system=system, parameters=dict(parameters) if parameters else None, stream=True
            )
            async with contextlib.aclosing(self._followed(lines, "create")) as steps:
                async for step in steps:
                    yield step

    async def copy_model(self, source: str, destination: str) -> None:
        """Copy a model under a new name.

        Raises:
            ProviderError: it could not be copied.
        """
        async with self._package(source) as package:
            await package.copy(source, destination)

    async def delete_model(self, name: str) -> None:
        """Remove a model from disk.

        Raises:
            ProviderError: it could not be removed.
        """
        async with self._package(name) as package:
            await package.delete(name)

    async def _followed(
        self, lines: AsyncIterator[ollama.ProgressResponse], verb: str
    ) -> AsyncGenerator[PullProgress, None]:
        status = ""
        async with contextlib.aclosing(lines) as open_lines:  # type: ignore[type-var]
            async for line in open_lines:
                status = line.status or ""
                yield PullProgress(status=status, digest=line.digest or "", total=line.total, completed=line.completed)
        if status != "success":
            raise AnswerCut(f"{self.endpoint.name}: the {verb} ended before it was complete. Run it again.")

    @contextlib.asynccontextmanager
    async def _package(self, model: str) -> AsyncGenerator[ollama.AsyncClient, None]:
        """Open the package's client, hardened, with its exceptions turned into ours."""
        import httpx
        import ollama

        # Building ours first says what is wrong with the settings before the package meets them.
        await make_client(self.endpoint).aclose()
        settings = client_settings(self.endpoint)
        limits = self.endpoint.timeouts
        settings["timeout"] = httpx.Timeout(
            connect=limits.connect_s, write=limits.write_s, pool=limits.pool_s, read=limits.content_s
        )
        settings["event_hooks"] = {"response": [self._bounded]}
        client = ollama.AsyncClient(host=self.endpoint.base_url.strip().rstrip("/"), **settings)
        try:
            with mapped(self.endpoint, start_hint="ollama serve"):
                yield client
        except (ollama.ResponseError, AttributeError, TypeError, ValueError) as problem:
            raise self._refusal(problem, model) from None
        finally:
            await client.close()  # type: ignore[no-untyped-call]  # the package's own gap

    async def _bounded(self, response: httpx.Response) -> None:
        """Put the caps on a reply before the package reads it: it has none of its own (policy I16)."""
        # A packed body would grow behind the cap; nothing packed was asked for.
        packing = response.headers.pop("content-encoding", "identity")
        if packing.strip().lower() not in ("", "identity"):
            raise AnswerCut(one_line(f"{self.endpoint.name}: the answer is packed as {packing}, unasked."))
        response.stream = _capped(self.endpoint, response)

    def _refusal(self, problem: Exception, model: str) -> ProviderError:
        """Say what an exception of the package means; its HTTP reply, if there was one, hangs in the context."""
        import ollama

        if (reply := _reply_behind(problem)) is not None:
            try:
                check_direct(self.endpoint, reply.status_code, reply.headers.get("location", ""))
            except ProviderError as known:
                return known
            return failure(self.endpoint, read_error(reply.status_code, reply.content), model=model)
        if isinstance(problem, ollama.ResponseError):
            return failure(self.endpoint, unwrap(None, {"error": problem.error}), model=model)
        return AnswerCut(f"{self.endpoint.name}: the server's answer is damaged. Try again.")


def _capped(endpoint: Endpoint, response: httpx.Response) -> httpx.AsyncByteStream:
    """The body of ``response``: progress in lines of bounded length, all else bounded as a whole."""
    import httpx

    stream, caps = response.stream, endpoint.caps
    in_lines = response.is_success and response.request.url.path.endswith(("/api/pull", "/api/push", "/api/create"))
    cap = caps.line if response.is_success else caps.error_body

    class Capped(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncGenerator[bytes, None]:
            assert isinstance(stream, httpx.AsyncByteStream)
            held = 0
            async for data in stream:
                first, newline, rest = data.partition(b"\n") if in_lines else (data, b"", b"")
                if held + len(first) > cap:
                    if response.is_success:
                        raise AnswerCut(f"{endpoint.name}: the answer has more than {size(cap)} in one piece.")
                    yield data[: cap - held]
                    return
                held = len(rest) - rest.rfind(b"\n") - 1 if newline else held + len(data)
                yield data

        async def aclose(self) -> None:
            assert isinstance(stream, httpx.AsyncByteStream)
            await stream.aclose()

    return Capped()


def _size(value: object) -> int | None:
    """Like a count, but zero is told: a model that is not on the graphics card at all."""
    return 0 if value == 0 and not isinstance(value, bool) else _count(value)


def _reply_behind(problem: BaseException) -> httpx.Response | None:
    import httpx

    current: BaseException | None = problem
    while current is not None:
        if isinstance(current, httpx.HTTPStatusError):
            return current.response
        current = current.__context__
    return None
