"""The Google adapter: Gemini's ``generateContent`` over plain HTTP, the key in a header only (policy E7).

Requests are made in ``wire``, answers read in ``reader``, refusals in ``errors``; this module is
the calls.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from llmdesk.core.errors import AnswerCut, ModelGone, SetupBroken
from llmdesk.core.text import storable
from llmdesk.core.types import ModelInfo
from llmdesk.providers.answer_log import count
from llmdesk.providers.base import Check
from llmdesk.providers.exchange import CONTROL_S, MODEL_NAME_LIMIT, MOST_MODELS, follow, json_value
from llmdesk.providers.google.errors import failure, read_error
from llmdesk.providers.google.reader import AnswerReader
from llmdesk.providers.google.wire import body_of
from llmdesk.providers.http import KeyHeader, Origin
from llmdesk.providers.refusals import brief

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from llmdesk.core.types import ChatRequest, ProviderEvent
    from llmdesk.providers.base import Endpoint
    from llmdesk.providers.reply import Reply

_PAGE = 1_000
"""Models asked for at once (ai.google.dev/api/models, models.list: at most 1,000)."""

_PAGES = 20
"""Pages of models that are followed."""

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
        async with self._origin.open_stream("POST", path, body=body) as reply:
            await self._accept(reply, request.model)
            async with contextlib.aclosing(follow(reply, reader)) as events:
                async for event in events:
                    yield event

    async def _accept(self, reply: Reply, model: str = "") -> None:
        """Let only a 2xx reply through."""
        reply.check_direct()
        if not 200 <= reply.status < 300:
            said = read_error(reply.status, await reply.error_body())
            raise failure(self.endpoint, said, model=model, hint_s=reply.hint_s(self._now()))

    # --- models and health ----------------------------------------------------------------------------------------

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """List the models that answer, with their windows.

        Raises:
            ProviderError: it could not be asked.
        """
        models: list[ModelInfo] = []
        token = ""
        ends_at = time.monotonic() + min(CONTROL_S, self.endpoint.timeouts.first_token_s)
        for _ in range(_PAGES):
            page = await self._page(token, ends_at - time.monotonic())
            entries = page.get("models", [])
            if not isinstance(entries, list):
                raise AnswerCut(f"{self.endpoint.name}: the answer is damaged (it is no list of models).")
            models += [model for entry in entries if (model := _model(entry)) is not None]
            following = page.get("nextPageToken")
            if len(models) >= MOST_MODELS or not isinstance(following, str):
                break
            if not following or following == token:
                break
            token = following
        return tuple(models[:MOST_MODELS])

    async def _page(self, token: str, left_s: float) -> Mapping[str, object]:
        more = f"&pageToken={quote(token, safe='')}" if token else ""
        path = f"{self._root}/models?pageSize={_PAGE}{more}"
        async with self._origin.open_stream("GET", path, total_s=round(max(left_s, 0.0), 1)) as reply:
            await self._accept(reply)
            found = await json_value(reply)
        if not isinstance(found, dict):
            raise AnswerCut(f"{self.endpoint.name}: the answer is damaged (it is no JSON object).")
        return found

    async def check(self) -> Check:
        """List the models, which needs the key. No model is called.

        Raises:
            ProviderError: the endpoint is not usable now.
        """
        started = time.monotonic()
        models: int | None = None
        try:
            models = len(await self.list_models())
        except (SetupBroken, ModelGone) as problem:
            if problem.http_status not in (404, 405):
                raise
        return Check(
            latency_ms=round((time.monotonic() - started) * 1000),
            models=models,
            key_tried=models is not None and self.endpoint.key is not None,
            message="" if models is not None else "it lists no models, so the key was not tried",
        )

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
