"""The Anthropic adapter: ``/v1/messages`` and ``/v1/models`` over plain HTTP.

Requests are made in ``wire``, answers read in ``reader``, refusals in ``errors``; this
module is the calls. Options of the endpoint: ``api_version``, the ``anthropic-version`` header.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from llmdesk.core.errors import ServerFailed
from llmdesk.core.types import Completed, ModelInfo
from llmdesk.providers.answer_log import AnswerLog, count, telling
from llmdesk.providers.anthropic.blocks import Spent
from llmdesk.providers.anthropic.errors import failure, read_error
from llmdesk.providers.anthropic.reader import AnswerReader
from llmdesk.providers.anthropic.wire import API_VERSION, fields_of, not_taken
from llmdesk.providers.body import printed
from llmdesk.providers.exchange import follow, json_object
from llmdesk.providers.http import KeyHeader, Origin
from llmdesk.providers.model_list import MODEL_NAME_LIMIT, check_by_list, paged
from llmdesk.providers.refusals import brief

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from llmdesk.core.types import ChatRequest, Json, ProviderEvent
    from llmdesk.providers.base import Check, Endpoint
    from llmdesk.providers.reply import Reply

PAUSES = 3
"""How often a paused turn is continued before it counts as failed (policy A7)."""

_PAGE = 1_000
"""Models asked for at once (platform.claude.com/docs/en/api/models/list: 1 to 1,000)."""


class AnthropicProvider:
    """One endpoint that speaks Anthropic's format.

    Args:
        endpoint: where, with which key and limits; its base URL may end in ``/v1``.
        now: UTC epoch seconds, to measure dates and the end of the month against.
    """

    def __init__(self, endpoint: Endpoint, *, now: Callable[[], float] = time.time) -> None:
        self.endpoint = endpoint
        self._now = now
        self._version = str(endpoint.options.get("api_version") or API_VERSION)
        self._root = "" if endpoint.base_url.strip().rstrip("/").endswith("/v1") else "/v1"
        self._origin = Origin(
            endpoint,
            key_header=KeyHeader(name="x-api-key", prefix=""),
            headers={"Accept": "text/event-stream, application/json", "anthropic-version": self._version},
        )

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        """Ask, and yield what comes; the last event is ``Completed``.

        A turn that the server pauses is continued here, in the same stream of events: it is one answer.

        Raises:
            ProviderError: by the tables of docs/policy.md, 3.5 and 3.8.
        """
        log, spent = AnswerLog(self.endpoint), Spent()
        said: list[Json] = []
        with telling(log.used):
            for _ in range(PAUSES + 1):
                fields = fields_of(self.endpoint.name, request, version=self._version, said=said)
                body = printed(self.endpoint.name, fields)
                reader = AnswerReader(
                    self.endpoint,
                    request.model,
                    log=log,
                    spent=spent,
                    keep_wire=request.keep_wire,
                    keep_blocks=bool(request.tools),
                    now=self._now,
                )
                path = f"{self._root}/messages"
                async with self._origin.open_stream("POST", path, body=body, tap=request.tap) as reply:
                    await self._accept(reply, request.model)
                    async with contextlib.aclosing(follow(reply, reader)) as events:
                        async for event in events:
                            if isinstance(event, Completed):
                                yield replace(event, notes=not_taken(self.endpoint.name, request, fields))
                            else:
                                yield event
                if not reader.paused:
                    return
                if not reader.said:
                    raise ServerFailed(f"{self.endpoint.name}: the answer was paused although no tools were offered.")
                said += reader.said
                spent.next_request()
            raise ServerFailed(f"{self.endpoint.name}: the answer was still paused after {PAUSES} continuations.")

    async def _accept(self, reply: Reply, model: str = "") -> None:
        """Let only a 2xx reply through."""
        reply.check_direct()
        if not 200 <= reply.status < 300:
            said = read_error(reply.status, await reply.error_body())
            now = self._now()
            raise reply.unless_cut(failure(self.endpoint, said, model=model, hint_s=reply.hint_s(now), now=now))

    # --- models and health ----------------------------------------------------------------------------------------

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """List the models that the key may use, with their windows.

        Raises:
            ProviderError: it could not be asked.
        """
        return await paged(self.endpoint, self._page, _model)

    async def _page(self, after: str, left_s: float) -> tuple[object, object]:
        more = f"&after_id={quote(after, safe='')}" if after else ""
        path = f"{self._root}/models?limit={_PAGE}{more}"
        async with self._origin.open_stream("GET", path, total_s=left_s) as reply:
            await self._accept(reply)
            found = await json_object(reply)
        return found.get("data"), found.get("last_id") if found.get("has_more") is True else None

    async def check(self) -> Check:
        """List the models, which needs the key. No model is called.

        Raises:
            ProviderError: the endpoint is not usable now.
        """
        return await check_by_list(self, has_key=self.endpoint.key is not None)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._origin.aclose()


def _model(entry: object) -> ModelInfo | None:
    """Read one entry (``types/model_info.py`` of anthropics/anthropic-sdk-python 2.11); ``None`` = it has no name."""
    if not isinstance(entry, dict) or not isinstance(name := entry.get("id"), str) or not name:
        return None
    created = entry.get("created_at")
    return ModelInfo(
        name=brief(name, MODEL_NAME_LIMIT),
        context_tokens=count(entry.get("max_input_tokens")) or None,
        capabilities=_abilities(entry.get("capabilities")),
        modified_at=brief(created, 40) if isinstance(created, str) else "",
    )


def _abilities(told: object) -> frozenset[str]:
    """What a model can, in the words of the other kinds; empty where nothing is told."""
    if not isinstance(told, dict):
        return frozenset()
    can = {name for name, each in told.items() if isinstance(each, dict) and each.get("supported") is True}
    optional = {word for word, name in (("vision", "image_input"), ("thinking", "thinking")) if name in can}
    return frozenset({"completion", "tools", *optional})
