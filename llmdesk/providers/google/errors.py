"""What Google's refusals mean: one table from code, reasons and text to a class of failure.

The rows are those of docs/policy.md, 3.6 (E). Shapes: ``google.rpc.Status`` with its details (ErrorInfo, QuotaFailure,
RetryInfo), as ``packages/core/src/utils/googleQuotaErrors.ts`` of google-gemini/gemini-cli reads them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from llmdesk.core.cooldown import usable_hint
from llmdesk.core.errors import (
    KeyRejected,
    ModelGone,
    QuotaReached,
    RateLimited,
    RequestRejected,
    ServerFailed,
    SetupBroken,
)
from llmdesk.core.text import redact
from llmdesk.core.values import dataclass
from llmdesk.providers.refusals import TEXT_LIMIT, Rule, Rules, is_page, on, quoted, usual_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmdesk.core.errors import ProviderError
    from llmdesk.providers.base import Endpoint

_WRAPPINGS = 4
_RETRY_IN = re.compile(r"retry in (\d{1,9}(?:\.\d{0,15})?m?s)\b", re.IGNORECASE)
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{0,15})?)(ms|s)")
_TOO_LONG = re.compile(r"(?:count \((\d+)\) )?exceeds the maximum number of tokens allowed \(?(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A refusal, unwrapped. ``status`` ``None`` = an error inside a reply that began with 200.

    ``code`` is the error's own number, ``state`` its name (``RESOURCE_EXHAUSTED``), ``reasons`` what its details name;
    ``wait_s`` how long it asks to wait, seconds; ``page`` marks a body that is a web page, ``known`` one that is an
    error in Google's form.
    """

    status: int | None
    code: int | None = None
    state: str = ""
    text: str = ""
    reasons: tuple[str, ...] = ()
    wait_s: float | None = None
    page: bool = False
    known: bool = False


RULES = Rules((
    Rule(row="E1", statuses=on(429), error=QuotaReached, text=r"PerDay|Daily|\bper day\b",
         cause="the daily limit is reached."),
    Rule(row="E1", statuses=on(429), error=QuotaReached, text=r"\blimit: 0\b",
         cause="{model} is not part of this key's plan."),
    Rule(row="E1", statuses=on(429), error=QuotaReached,
         text=r"CREDITS?_BALANCE|QUOTA_EXHAUSTED|credits? (?:are|is|have been) depleted|spend(?:ing)? (?:cap|limit)",
         cause="the credit or spend limit is used up."),
    Rule(row="E1 E2", statuses=on(429), error=RateLimited, cause="rate limited."),
    Rule(row="E3", statuses=on(400, 401, 403), error=KeyRejected,
         text=r"API_KEY_(?!SERVICE_BLOCKED)\w+|API key (?:not valid|not found|expired)|reported as leaked",
         cause="{key}"),
    Rule(row="E4", statuses=on(400), error=KeyRejected, text=r"FAILED_PRECONDITION|location is not supported",
         cause="not available to this account: {said}"),
    Rule(row="E4", statuses=on(401), error=KeyRejected, cause="{key}"),
    Rule(row="E4", statuses=on(402), error=QuotaReached, cause="billing problem (402): {said}"),
    Rule(row="E4", statuses=on(403), error=KeyRejected,
         text=r"SERVICE_DISABLED|SERVICE_BLOCKED|CONSUMER_SUSPENDED|CONSUMER_INVALID|unregistered callers",
         cause="the key may not use this API (403): {said}"),
    Rule(row="E4", statuses=on(403), error=KeyRejected, scope="model", cause="{model} is not allowed (403): {said}"),
    Rule(row="E4", statuses=on(404), error=ModelGone, text=r"\Aerror ",
         cause="model {model} is not available. Choose another model."),
    Rule(row="404", statuses=on(404, 405), error=SetupBroken,
         cause="there is no Gemini API at this address ({status}). Check base_url."),
    Rule(row="410", statuses=on(410), error=ModelGone, cause="model {model} was retired (410). Choose another model."),
    Rule(row="context", statuses=on(400, 413), error=RequestRejected, target_specific=True, too_long=True,
         text=r"exceeds the maximum number of tokens|exceeds? the (?:model's )?context",
         cause="the prompt is longer than this model's context{numbers}."),
    Rule(row="size", statuses=on(413), error=RequestRejected, target_specific=True,
         cause="the request is too large for this server (413)."),
    Rule(row="size", statuses=on(400), error=RequestRejected, target_specific=True, text=r"payload size exceeds",
         cause="the request is too large for this server."),
    Rule(row="parameter", statuses=on(400, 422), error=RequestRejected, target_specific=True,
         text=r"not supported|not enabled|does not support|unsupported|only supports?|Unknown name|too many states",
         cause="{model} does not take this request ({status}): {said}"),
    Rule(row="400", statuses=on(400, 422), error=RequestRejected, cause="the request was rejected ({status}): {said}"),
    Rule(row="E4", statuses=on(499), error=ServerFailed, cause="{broke} the request was given up (499)."),
    Rule(row="in stream", statuses=on(None), error=ServerFailed, cause="error in mid-answer: {said}"),
    Rule(row="E4", error=ServerFailed, cause="{broke} {status}{quoted}."),
))  # fmt: skip


def failure(endpoint: Endpoint, said: Said, *, model: str = "", hint_s: float | None = None) -> ProviderError:
    """Make the error that ``said`` means, with a message fit for a user.

    Args:
        endpoint: whom the message names.
        said: the refusal; its own code decides where the status says nothing.
        model: what was asked.
        hint_s: how long the ``Retry-After`` header asks to wait, seconds; else what the body says counts.
    """
    quote = "a web page" if said.page else quoted(said.text)
    words = {
        **usual_words(model, quote),
        "numbers": _numbers(said.text),
        "key": _key_advice(endpoint, said),
        "broke": "server error" if said.status is not None else "error in mid-answer:",
    }
    made = RULES.failure(
        endpoint.name,
        status=said.status if said.status is not None else said.code,
        text=redact(f"{'error' if said.known else '<'} {said.state} {' '.join(said.reasons)} {said.text}"),
        words=words,
        details=said.text,
        hint_s=hint_s if hint_s is not None else said.wait_s,
    )
    made.http_status = said.status
    return made


def _numbers(text: str) -> str:
    """The sizes that a refused prompt is told to have: `` (1 300 000 of 1 048 576 tokens)``."""
    found = _TOO_LONG.search(text)
    if found is None:
        return ""
    has = f"{int(found[1][:12]):,} of " if found[1] else ""
    return f" ({has}{int(found[2][:12]):,} tokens)".replace(",", " ")


def _key_advice(endpoint: Endpoint, said: Said) -> str:
    status = said.status or said.code
    if endpoint.key is not None:
        return f"key rejected ({status}). Check {endpoint.key_source or 'its API key'}."
    return f"a key is needed ({status}). Set its api_key."


# --- unwrapping -------------------------------------------------------------------------------------------------------


def read_error(status: int, body: bytes) -> Said:
    """Unwrap the body of a refusal: JSON, a list of it, JSON inside a string, plain text, a web page, or nothing."""
    text = body.decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Said(status=status, text="" if is_page(text) else text[:TEXT_LIMIT], page=is_page(text))
    return unwrap(status, value)


def unwrap(status: int | None, value: object) -> Said:
    """Find code, state, text and details in ``{"error": {"code", "status", "message", "details"}}``.

    Known wrappings: a list with it (policy E8), and the whole of it as a JSON string in ``message``, twice even
    (policy E2); what lies innermost counts.
    """
    said = Said(status=status)
    for _ in range(_WRAPPINGS):
        if isinstance(value, list):
            value = next((item for item in value if isinstance(item, dict)), None)
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                break
            continue
        inner = value.get("error", value) if isinstance(value, dict) else value
        if not isinstance(inner, dict):
            return said if said.text or not isinstance(inner, str) else Said(status=status, text=inner[:TEXT_LIMIT])
        said = _said(status, inner, said)
        value = inner.get("message")
        if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
            break
    return said


def _said(status: int | None, error: dict[str, object], outer: Said) -> Said:
    code, state, text = error.get("code"), error.get("status"), error.get("message")
    details = _items(error.get("details"))
    told = text[:TEXT_LIMIT] if isinstance(text, str) else ""
    delays = [*(item.get("retryDelay") for item in details), *_RETRY_IN.findall(told)]
    return Said(
        status=status,
        code=code if isinstance(code, int) and 400 <= code < 600 else outer.code,
        state=state[:200] if isinstance(state, str) else outer.state,
        text=told,
        reasons=tuple(reason for item in details for reason in _reasons(item)),
        wait_s=next((wait for delay in delays if (wait := seconds_of(delay)) is not None), outer.wait_s),
        known=outer.known or bool(told or state),
    )


def _items(value: object) -> list[dict[str, object]]:
    return [item for item in value[:50] if isinstance(item, dict)] if isinstance(value, list) else []


def _reasons(detail: dict[str, object]) -> Iterator[str]:
    metadata = detail.get("metadata")
    limit = metadata.get("quota_limit") if isinstance(metadata, dict) else None
    quotas = [violation.get("quotaId") for violation in _items(detail.get("violations"))]
    return (reason[:200] for reason in (detail.get("reason"), limit, *quotas) if isinstance(reason, str))


def seconds_of(delay: object) -> float | None:
    """Read a duration as Google prints it (``34.07s``, ``500ms``), clamped like any hint; ``None`` = unusable."""
    found = _DURATION.fullmatch(delay.strip()) if isinstance(delay, str) else None
    if found is None:
        return None
    return usable_hint(float(found[1]) / (1_000 if found[2] == "ms" else 1))
