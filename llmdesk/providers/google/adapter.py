"""The Google adapter: Gemini's ``generateContent`` over plain HTTP, the key in a header only (policy E7).

Requests are made in ``wire``, answers read in ``reader``, refusals in ``errors``; this module is the
calls.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from llmdesk.core.text import storable
from llmdesk.core.types import Completed, ModelInfo
from llmdesk.providers.answer_log import count
from llmdesk.providers.exchange import follow, json_object
from llmdesk.providers.google.errors import failure, read_error
from llmdesk.providers.google.reader import AnswerReader
from llmdesk.providers.google.wire import body_of, not_taken
from llmdesk.providers.http import KeyHeader, Origin
from llmdesk.providers.model_list import MODEL_NAME_LIMIT, check_by_list, paged
from llmdesk.providers.refusals import brief

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from llmdesk.core.types import ChatRequest, ProviderEvent
    from llmdesk.providers.base import Check, Endpoint
    from llmdesk.providers.reply import Reply

_PAGE = 1_000
"""Models asked for at once (ai.google.dev/api/models, models.list: at most 1,000)."""

_ANSWERS = "generateContent"
_KINDS = ("models/", "tunedModels/")


class GoogleProvider:
    """One endpoint that speaks Gemini's format.

    Args:
        endpoint: where, with which key and limits; its base URL may end in ``/v1beta`` or ``/v1``.
        now: UTC epoch seconds, to measure a ``Retry-After`` date against.
    """

    def __init__(self, endpoint: Endpoint, *, now: Callable[[], float] = time.time) -> None:
        self.endpoint = endpoint
        self._now = now
        self._root = "" if endpoint.base_url.strip().rstrip("/").endswith(("/v1beta", "/v1")) else "/v1beta"
        self._origin = Origin(
            endpoint,
            key_header=KeyHeader(name="x-goog-api-key", prefix=""),
            headers={"Accept": "text/event-stream, application/json"},
        )

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        """Ask, and yield what comes; the last event is ``Completed``.

        Raises:
            ProviderError: by the tables of docs/policy.md, 3.6 and 3.8.
        """
        body = body_of(self.endpoint.name, request)
        reader = AnswerReader(self.endpoint, request.model, keep_wire=request.keep_wire)
        path = f"{self._root}/{_path(request.model)}:streamGenerateContent?alt=sse"
        async with self._origin.open_stream("POST", path, body=body, tap=request.tap) as reply:
            await self._accept(reply, request.model)
            async with contextlib.aclosing(follow(reply, reader)) as events:
                async for event in events:
                    if isinstance(event, Completed):
                        yield replace(event, notes=not_taken(self.endpoint.name, request))
                    else:
                        yield event

    async def _accept(self, reply: Reply, model: str = "") -> None:
        """Let only a 2xx reply through."""
        reply.check_direct()
        if not 200 <= reply.status < 300:
            said = read_error(reply.status, await reply.error_body())
            raise reply.unless_cut(failure(self.endpoint, said, model=model, hint_s=reply.hint_s(self._now())))

    # --- models and health ----------------------------------------------------------------------------------------

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """List the models that answer, with their windows.

        Raises:
            ProviderError: it could not be asked.
        """
        return await paged(self.endpoint, self._page, _model)

    async def _page(self, token: str, left_s: float) -> tuple[object, object]:
        more = f"&pageToken={quote(token, safe='')}" if token else ""
        path = f"{self._root}/models?pageSize={_PAGE}{more}"
        async with self._origin.open_stream("GET", path, total_s=left_s) as reply:
            await self._accept(reply)
            found = await json_object(reply)
        return found.get("models", []), found.get("nextPageToken")

    async def check(self) -> Check:
        """List the models, which needs the key. No model is called.

        Raises:
            ProviderError: the endpoint is not usable now.
        """
        return await check_by_list(self, has_key=self.endpoint.key is not None)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._origin.aclose()


def _path(model: str) -> str:
    """A model's place: short names are those of Google's own models; nothing in a name leaves its place."""
    model = storable(model)
    for kind in _KINDS:
        if model.startswith(kind):
            return kind + quote(model.removeprefix(kind), safe="")
    return _KINDS[0] + quote(model, safe="")


def _model(entry: object) -> ModelInfo | None:
    """Read one entry (ai.google.dev/api/models); ``None`` = it has no name, or does not answer chats."""
    if not isinstance(entry, dict) or not isinstance(name := entry.get("name"), str) or not name:
        return None
    methods = entry.get("supportedGenerationMethods")
    if isinstance(methods, list) and _ANSWERS not in methods:
        return None
    return ModelInfo(
        name=brief(name.removeprefix(_KINDS[0]), MODEL_NAME_LIMIT),
        context_tokens=count(entry.get("inputTokenLimit")) or None,
    )
