"""The Ollama adapter: its own API over HTTP, for a server on this machine, in the house, or ollama.com.

Answers come over ``/api/chat`` (never ``/v1``, which loses errors in mid-stream). Requests and events are made in
``wire``, refusals read in ``errors``, models kept in ``models``; this module is the calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmdesk.core.addresses import is_loopback
from llmdesk.core.errors import AnswerCut, KeyRejected, ProviderError
from llmdesk.core.model_names import cloud_base_name, full_name, is_cloud_name
from llmdesk.providers.answer_log import telling
from llmdesk.providers.base import Check
from llmdesk.providers.exchange import (
    CONTROL_S,
    DRAIN_S,
    json_object,
    json_value,
    refuse_page,
    web_page,
    without_name,
)
from llmdesk.providers.http import Origin
from llmdesk.providers.ndjson import LineSplitter, objects
from llmdesk.providers.ollama.errors import Said, failure, read_error
from llmdesk.providers.ollama.models import ModelKeeping, listed
from llmdesk.providers.ollama.plan import quotas_of
from llmdesk.providers.ollama.wire import PATHS, AnswerReader, body_of, embedded
from llmdesk.providers.together import together

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from llmdesk.core.types import ChatRequest, ModelInfo, ProviderEvent
    from llmdesk.core.views import Quota
    from llmdesk.providers.base import Endpoint
    from llmdesk.providers.reply import Reply

_JSON_TYPES = frozenset({
    "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json",
})  # fmt: skip
_NUMBERS = 1_000_000
"""Numbers in one answer of the embedding route: about a thousand texts at a thousand dimensions."""

_PLAN_BYTES = 1024 * 1024


class OllamaProvider(ModelKeeping):
    """One Ollama endpoint.

    Args:
        endpoint: where, with which key and limits.
        now: UTC epoch seconds, to measure a ``Retry-After`` date against.
    """

    def __init__(self, endpoint: Endpoint, *, now: Callable[[], float] = time.time) -> None:
        super().__init__(endpoint)
        self._now = now
        self._origin = Origin(endpoint, start_hint="ollama serve")
        self._abilities: dict[str, frozenset[str]] = {}
        self._remote: frozenset[str] = frozenset()
        # Cloud names carry their suffix only through a server on this machine.
        self._hosted = endpoint.key is not None and not is_loopback(endpoint.base_url)

    # --- answers --------------------------------------------------------------------------------------------------

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        """Ask, and yield what comes; the last event is ``Completed``.

        Raises:
            ProviderError: by the tables of docs/policy.md, 3.1, 3.2 and 3.8.
        """
        runs_here = self._runs_here(request.model)
        if self._hosted:
            request = replace(request, model=cloud_base_name(request.model))
        abilities = self._abilities.get(full_name(request.model))
        can_think = "thinking" in abilities if abilities else None
        body = body_of(self.endpoint.name, request, can_think=can_think, runs_here=runs_here)
        async with self._origin.open_stream("POST", PATHS[request.endpoint], body=body, tap=request.tap) as reply:
            await self._accept(reply, request.model)
            if request.endpoint == "embed":
                answer = await json_object(reply, cap=self.endpoint.caps.answer, leaves=_NUMBERS)
                yield embedded(self.endpoint, request.model, answer)
                return
            reader = AnswerReader(self.endpoint, request.model, request.endpoint, keep_wire=request.keep_wire)
            with telling(reader.used, reader.served):
                async with contextlib.aclosing(self._arrived(reply, reader)) as arrived:
                    async for lines in arrived:
                        events, problem = together(self._read(lines, reader, reply), reader.cut)
                        if events:
                            reply.content_came()
                        if reader.completed:
                            await reply.drain(DRAIN_S)
                        for event in events:
                            yield event
                        if problem is not None:
                            raise problem
                        if reader.completed:
                            return
                raise reader.cut()

    async def _arrived(self, reply: Reply, reader: AnswerReader) -> AsyncGenerator[Iterator[bytes], None]:
        """Yield the lines that came together, to be split as they are read."""
        splitter = LineSplitter(self.endpoint.caps.line)
        try:
            async with contextlib.aclosing(reply.body()) as body:
                async for data in body:
                    yield splitter.feed(data)
        except AnswerCut as problem:
            raise reader.cut(without_name(problem, self.endpoint.name)) from None
        yield splitter.finish()

    def _read(self, lines: Iterator[bytes], reader: AnswerReader, reply: Reply) -> Iterator[ProviderEvent]:
        untyped = not reply.content_type
        for line in lines:
            refuse_page(self.endpoint, line if untyped else b"")
            for chunk in objects(line):
                yield from reader.read(chunk)
                if reader.completed:
                    return

    async def _accept(self, reply: Reply, model: str = "") -> None:
        """Let only a 2xx reply with data through."""
        reply.check_direct()
        if not 200 <= reply.status < 300:
            said = read_error(reply.status, await reply.error_body())
            raise reply.unless_cut(failure(self.endpoint, said, model=model, hint_s=reply.hint_s(self._now())))
        if reply.content_type and reply.content_type not in _JSON_TYPES:
            raise web_page(self.endpoint)

    async def _call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, model: str = ""
    ) -> dict[str, object]:
        """Ask for one JSON object, within ``CONTROL_S``."""
        raw = None if body is None else json.dumps(body).encode()
        limit = min(CONTROL_S, self.endpoint.timeouts.first_token_s)
        async with self._origin.open_stream(method, path, body=raw, total_s=limit) as reply:
            await self._accept(reply, model)
            return await json_object(reply)

    # --- models and health --------------------------------------------------------------------------------------------

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """List the models, with the window each is loaded with now.

        Raises:
            ProviderError: it could not be asked.
        """
        tags, running = await asyncio.gather(self._call("GET", "/api/tags"), self._running())
        models = listed(self.endpoint.name, tags, running)
        self._abilities = {full_name(model.name): model.capabilities for model in models}
        self._remote = frozenset(full_name(model.name) for model in models if model.remote)
        return models

    async def check(self) -> Check:
        """Ask who we are if there is a key, else for the version; then count the models. No model is called.

        Raises:
            ProviderError: the endpoint is not usable now.
        """
        started = time.monotonic()
        key_tried = False
        if self.endpoint.key is not None:
            key_tried = await self._key_works()
        else:
            await self._call("GET", "/api/version")
        latency_ms = round((time.monotonic() - started) * 1000)
        models = await self.list_models()
        return Check(latency_ms=latency_ms, models=len(models), key_tried=key_tried)

    async def _key_works(self) -> bool:
        """Whether the account route took the key; false = there is no such route here, so nothing is known."""
        limit = min(CONTROL_S, self.endpoint.timeouts.first_token_s)
        async with self._origin.open_stream("POST", "/api/me", body=b"{}", total_s=limit) as reply:
            if reply.status in (404, 405):
                return False
            if reply.status != HTTPStatus.UNAUTHORIZED:
                await self._accept(reply)
                await json_object(reply)
                return True
        # The account may know only signatures of signed-in machines; what a key has used up asks for the key itself.
        async with self._origin.open_stream("GET", "/api/usage", total_s=limit) as usage:
            if usage.status not in (404, 405) and usage.status != HTTPStatus.UNAUTHORIZED:
                await self._accept(usage)
                return True
        raise failure(self.endpoint, Said(status=HTTPStatus.UNAUTHORIZED, text="unauthorized"))

    async def quotas(self) -> tuple[Quota, ...]:
        """How much of the plan behind the key is used, as far as the service tells.

        Raises:
            ProviderError: it could not be asked.
        """
        if self.endpoint.key is None:
            return ()
        limit = min(CONTROL_S, self.endpoint.timeouts.first_token_s)
        async with self._origin.open_stream("GET", "/api/usage", total_s=limit) as reply:
            if reply.status in (404, 405):
                return ()
            await self._accept(reply)
            return quotas_of(await json_value(reply, cap=_PLAN_BYTES))

    async def _running(self) -> Mapping[str, object]:
        """What is in memory; nothing where a server does not say, or where it is not one machine."""
        if self._is_ollama_com():
            return {}
        try:
            return await self._call("GET", "/api/ps")
        except KeyRejected:
            raise
        except ProviderError:
            return {}

    def _runs_here(self, model: str) -> bool:
        """Whether a model runs where this server runs: not a service with a key, not a name that stands for one."""
        hosted = self.endpoint.key is not None or self._is_ollama_com()
        return not (hosted or is_cloud_name(model) or full_name(model) in self._remote)

    def _is_ollama_com(self) -> bool:
        try:
            host = urlsplit(self.endpoint.base_url).hostname or ""
        except ValueError:  # whoever calls it will say what is wrong with it
            return False
        return host == "ollama.com" or host.endswith(".ollama.com")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._origin.aclose()
