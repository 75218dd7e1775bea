"""The list of an endpoint's models: page by page, no longer than anyone reads, and as a sign that the key works."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from llmdesk.core.errors import AnswerCut, ModelGone, SetupBroken
from llmdesk.providers.base import Check
from llmdesk.providers.exchange import CONTROL_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from llmdesk.core.types import ModelInfo
    from llmdesk.providers.base import Endpoint, Provider

MOST_MODELS = 10_000
"""Entries of a list of models that are read: no endpoint offers so many, and a million would hold the screen."""

MODEL_NAME_LIMIT = 300
"""Characters of a model's name."""

_PAGES = 20
"""Pages of models that are followed; no account sees that many."""


async def paged(
    endpoint: Endpoint,
    page: Callable[[str, float], Awaitable[tuple[object, object]]],
    model: Callable[[object], ModelInfo | None],
) -> tuple[ModelInfo, ...]:
    """Read a list that comes in pages, the whole of it within ``CONTROL_S``.

    Args:
        endpoint: who is asked.
        page: asks for one page, given where it begins (empty = at the first) and how long it may take, seconds; gives
            its entries, and where the next one begins (anything but a text = there is none).
        model: reads one entry; ``None`` = it is no model to be asked.

    Raises:
        ProviderError: it could not be asked, or a page is no list.
    """
    models: list[ModelInfo] = []
    begin = ""
    ends_at = time.monotonic() + min(CONTROL_S, endpoint.timeouts.first_token_s)
    for _ in range(_PAGES):
        entries, following = await page(begin, round(max(ends_at - time.monotonic(), 0.0), 1))
        if not isinstance(entries, list):
            raise AnswerCut(f"{endpoint.name}: the answer is damaged (it is no list of models).")
        models += [found for entry in entries if (found := model(entry)) is not None]
        if len(models) >= MOST_MODELS or not isinstance(following, str) or following in ("", begin):
            break
        begin = following
    return tuple(models[:MOST_MODELS])


async def count_if_any(provider: Provider) -> int | None:
    """How many models are listed; ``None`` = this endpoint lists none, which is no fault of the key.

    Raises:
        ProviderError: it could not be asked.
    """
    try:
        return len(await provider.list_models())
    except (ModelGone, SetupBroken) as problem:
        if problem.http_status in (404, 405):
            return None
        raise


async def check_by_list(provider: Provider, *, has_key: bool) -> Check:
    """Check an endpoint whose list of models needs the key. No model is called.

    Raises:
        ProviderError: the endpoint is not usable now.
    """
    started = time.monotonic()
    models = await count_if_any(provider)
    return Check(
        latency_ms=round((time.monotonic() - started) * 1000),
        models=models,
        key_tried=models is not None and has_key,
        message="" if models is not None else "it lists no models",
    )
