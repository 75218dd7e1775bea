"""The OpenAI adapter: any endpoint that speaks the OpenAI chat format, over plain HTTP.

Requests are made in ``wire``, answers read in ``reader``, refusals in ``said`` and
``errors``; what differs from endpoint to endpoint stands in ``dialects``. This module is the calls.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmdesk.providers.base import Check
from llmdesk.providers.exchange import CONTROL_S, follow, json_value, web_page
from llmdesk.providers.http import Origin
from llmdesk.providers.model_list import count_if_any
from llmdesk.providers.openai.dialects import RETIRED, dialect_of
from llmdesk.providers.openai.errors import failure
from llmdesk.providers.openai.hints import wait_hint
from llmdesk.providers.openai.models import listed
from llmdesk.providers.openai.reader import AnswerReader
from llmdesk.providers.openai.said import read_error
from llmdesk.providers.openai.wire import body_of, not_taken

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from llmdesk.core.types import ChatRequest, ModelInfo, ProviderEvent
    from llmdesk.providers.base import Endpoint
    from llmdesk.providers.reply import Reply

_LEAVES = 400_000
"""Values in a list of models: OpenRouter tells some hundred about each of some hundred models."""

_LIST_BYTES = 8 * 1024 * 1024


class OpenAIProvider:
    """One OpenAI-compatible endpoint.

    Args:
        endpoint: where, with which key and limits; ``options`` may name a ``preset`` and an ``organization``.
        now: UTC epoch seconds, to measure dates in refusals against.
    """

    def __init__(self, endpoint: Endpoint, *, now: Callable[[], float] = time.time) -> None:
        self.endpoint = endpoint
        self._now = now
        self._dialect = dialect_of(endpoint.options)
        self._retired = self._dialect.retired or _host(endpoint.base_url) == RETIRED
        self._origin = self._make_origin(endpoint)

    def _make_origin(self, endpoint: Endpoint) -> Origin:
        headers = {"Accept": "text/event-stream, application/json"}
        organization = endpoint.options.get("organization")
        if self._dialect.organization_header and isinstance(organization, str) and organization:
            headers[self._dialect.organization_header] = organization
        return Origin(endpoint, start_hint=self._dialect.start_hint, headers=headers)

    # --- answers --------------------------------------------------------------------------------------------------

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        """Ask, and yield what comes; the last event is ``Completed``.

        Raises:
            ProviderError: by the tables of docs/policy.md, 3.3, 3.4 and 3.8.
        """
        body = body_of(self.endpoint.name, request, self._dialect)
        async with self._origin.open_stream("POST", "chat/completions", body=body, tap=request.tap) as reply:
            await self._accept(reply, request.model)
            notes = not_taken(self.endpoint.name, request, self._dialect)
            reader = AnswerReader(self.endpoint, request.model, keep_wire=request.keep_wire, notes=notes)
            async with contextlib.aclosing(follow(reply, reader)) as events:
                async for event in events:
                    yield event

    async def _accept(self, reply: Reply, model: str = "") -> None:
        """Let only a 2xx reply through."""
        reply.check_direct()
        if 200 <= reply.status < 300:
            return
        said = read_error(reply.status, await reply.error_body())
        hint_s = wait_hint(reply.status, reply.headers, said.text, self._now(), reset_ms=said.reset_ms)
        raise reply.unless_cut(failure(self.endpoint, said, model=model, hint_s=hint_s, retired=self._retired))

    # --- models and health ------------------------------------------------------------------------------------------

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """List the models, with windows and abilities where the endpoint tells them.

        Raises:
            ProviderError: it could not be asked.
        """
        return listed(self.endpoint.name, await self._get(self._origin, "models"))

    async def check(self) -> Check:
        """Call what needs the key where there is such a thing, and count the models. No model is called.

        Whether a list of models needs the key is known for some presets; elsewhere the same is asked without it.

        Raises:
            ProviderError: the endpoint is not usable now.
        """
        started = time.monotonic()
        tried = False
        if self.endpoint.key is not None and self._dialect.key_path:
            await self._get(self._origin, self._dialect.key_path)
            tried = True
        models = await count_if_any(self)
        if models is None:
            await self._look_for_chat()
        latency_ms = round((time.monotonic() - started) * 1000)
        if self.endpoint.key is not None and models is not None and not tried:
            needed = self._dialect.lists_with_key_only
            tried = await self._refused_without_key() if needed is None else needed
        return Check(latency_ms=latency_ms, models=models, key_tried=tried)

    async def _look_for_chat(self) -> None:
        """Knock where answers are asked for: an empty request costs nothing, and only a wrong address does not know it.

        Raises:
            ProviderError: there is nothing there, the key is refused, or the server is not well.
        """
        limit = min(CONTROL_S, self.endpoint.timeouts.first_token_s)
        async with self._origin.open_stream("POST", "chat/completions", body=b"{}", total_s=limit) as reply:
            if reply.status not in (400, 415, 422):  # what is refused here is the request, by what reads requests
                await self._accept(reply)

    async def _refused_without_key(self) -> bool:
        keyless = self._make_origin(replace(self.endpoint, key=None))
        limit = min(CONTROL_S, self.endpoint.timeouts.first_token_s)
        try:
            async with keyless.open_stream("GET", "models", total_s=limit) as reply:
                return reply.status in (401, 403)
        finally:
            await keyless.aclose()

    async def _get(self, origin: Origin, path: str) -> object:
        """Ask for one JSON value, within ``CONTROL_S``."""
        limit = min(CONTROL_S, self.endpoint.timeouts.first_token_s)
        async with origin.open_stream("GET", path, total_s=limit) as reply:
            await self._accept(reply)
            if reply.content_type and "json" not in reply.content_type:
                raise web_page(self.endpoint)
            return await json_value(reply, cap=_LIST_BYTES, leaves=_LEAVES)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._origin.aclose()


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # whoever calls it will say what is wrong with it
        return ""
