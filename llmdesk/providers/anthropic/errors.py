"""What Anthropic's refusals mean: one table from status, kind and text to a class of failure.

The rows are those of docs/policy.md, 3.5 (A); kinds and codes come from ``types/error_type.py`` and ``types/shared`` of
anthropics/anthropic-sdk-python 2.11 and platform.claude.com/docs/en/api/errors. An error inside a reply that began with
200 is judged by its kind, never by that 200 (policy A4).
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llmdesk.core.cooldown import MAX_DURATION_S
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
    from llmdesk.core.errors import ProviderError
    from llmdesk.providers.base import Endpoint

_STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status each kind of error has outside of a stream."""

UNKNOWN_RESET_S = 600.0
"""How long a spend limit is left alone whose reset nobody tells, seconds (policy A2)."""

_MARK = 200
"""How much of a word that programs are meant to read is looked at, characters."""

_MONTHLY = "enforced_spend_limit_reached"
_REGAINED = re.compile(r"regain access on (\d{4})-(\d\d)-(\d\d) at 00:00 UTC")
_TOO_LONG = re.compile(r"prompt is too long: (\d+) tokens > (\d+)|exceed context limit: (\d+) \+ \d+ > (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A refusal, unwrapped. ``status`` ``None`` = an error inside a reply that began with 200.

    ``kind`` is ``error.type``, ``code`` ``error.details.error_code``; ``page`` marks a body that is a web page.
    """

    status: int | None
    kind: str = ""
    code: str = ""
    text: str = ""
    page: bool = False


RULES = Rules((
    Rule(row="A2", statuses=on(429, 400), error=QuotaReached,
         text=r"spend(?:ing)? limit|spend_limit|usage limits?\b.{0,300}regain access|API usage limits",
         cause="the spend limit is reached."),
    Rule(row="A2", statuses=on(400, 403), error=QuotaReached, text=r"credit balance is too low",
         cause="the credit is used up."),
    Rule(row="A2", statuses=on(402), error=QuotaReached, cause="billing problem (402): {said}"),
    Rule(row="A1", statuses=on(429), error=RateLimited, cause="rate limited."),
    Rule(row="A3", statuses=on(529), error=ServerFailed, cause="{broke} 529 (overloaded)."),
    Rule(row="A6", statuses=on(400, 413), error=RequestRejected, target_specific=True, too_long=True,
         text=r"prompt is too long|exceed context limit|exceeds? the (?:model's )?context",
         cause="the prompt is longer than this model's context{numbers}."),
    Rule(row="A5", statuses=on(413), error=RequestRejected, target_specific=True,
         cause="the request is too large for this server (413)."),
    Rule(row="A5", statuses=on(400), error=KeyRejected, text=r"organization_on_hold|organization has been disabled",
         cause="the account is disabled: {said}"),
    Rule(row="A5", statuses=on(401), error=KeyRejected, cause="{key}"),
    Rule(row="A5", statuses=on(403), error=KeyRejected, scope="model", cause="{model} is not allowed (403): {said}"),
    Rule(row="A5", statuses=on(404), error=ModelGone, text=r"\Anot_found_error",
         cause="model {model} is not available. Choose another model."),
    Rule(row="404", statuses=on(404, 405), error=SetupBroken,
         cause="there is no Anthropic API at this address ({status}). Check base_url."),
    Rule(row="410", statuses=on(410), error=ModelGone, cause="model {model} was retired (410). Choose another model."),
    Rule(row="parameter", statuses=on(400, 422), error=RequestRejected, target_specific=True,
         text=r"not supported|does not support|unsupported|too complex|cannot be (?:set|specified)|is deprecated"
              r"|max_tokens: \d+ >|\brange: |image (?:exceeds|dimensions)|could not process image",
         cause="{model} does not take this request ({status}): {said}"),
    Rule(row="400", statuses=on(400, 422), error=RequestRejected, cause="the request was rejected ({status}): {said}"),
    Rule(row="A4", statuses=on(None), error=ServerFailed, cause="error in mid-answer: {said}"),
    Rule(row="A3 A4", error=ServerFailed, cause="{broke} {status}{quoted}."),
))  # fmt: skip


def failure(
    endpoint: Endpoint, said: Said, *, model: str = "", hint_s: float | None = None, now: float = 0.0
) -> ProviderError:
    """Make the error that ``said`` means, with a message fit for a user.

    Args:
        endpoint: whom the message names.
        said: the refusal.
        model: what was asked.
        hint_s: how long the ``Retry-After`` header asks to wait, seconds.
        now: UTC epoch seconds, to measure the end of a month against.
    """
    quote = "a web page" if said.page else quoted(said.text)
    words = {
        **usual_words(model, quote),
        "numbers": _numbers(said.text),
        "key": _key_advice(endpoint),
        "broke": "server error" if said.status is not None else "error in mid-answer:",
    }
    made = RULES.failure(
        endpoint.name,
        status=said.status if said.status is not None else _STATUS_OF.get(said.kind),
        text=redact("<" if said.page else f"{said.kind} {said.code} {said.text}"),
        words=words,
        details=said.text,
        hint_s=hint_s,
    )
    made.http_status = said.status
    if isinstance(made, QuotaReached) and hint_s is None:
        made.hint_s = _until_reset_s(said, now) or UNKNOWN_RESET_S
    return made


def _until_reset_s(said: Said, now: float) -> float | None:
    """Seconds until a spend limit begins anew, as the text says or at 00:00 UTC on the 1st; ``None`` = nobody knows.

    Longer than a header is believed (policy N16): the account's own month is meant (policy A2).
    """
    today = datetime.fromtimestamp(now, UTC)
    begins = None
    try:
        if (day := _REGAINED.search(said.text)) is not None:
            begins = datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=UTC)
        elif said.code == _MONTHLY:
            begins = datetime(today.year + today.month // 12, today.month % 12 + 1, 1, tzinfo=UTC)
    except ValueError:
        return None
    left = (begins - today).total_seconds() if begins is not None else 0.0
    return min(left, MAX_DURATION_S) if left > 0 else None


def _numbers(text: str) -> str:
    """The sizes that a refused prompt is told to have: `` (205 351 of 200 000 tokens)``."""
    found = _TOO_LONG.search(text)
    if found is None:
        return ""
    has, most = (group for group in found.groups() if group is not None)
    return f" ({int(has[:12]):,} of {int(most[:12]):,} tokens)".replace(",", " ")


def _key_advice(endpoint: Endpoint) -> str:
    if endpoint.key is not None:
        return f"key rejected (401). Check {endpoint.key_source or 'its API key'}."
    return "a key is needed (401). Set its api_key."


# --- unwrapping -------------------------------------------------------------------------------------------------------


def read_error(status: int, body: bytes) -> Said:
    """Unwrap the body of a refusal: JSON, plain text, a web page, or nothing."""
    text = body.decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Said(status=status, text="" if is_page(text) else text[:TEXT_LIMIT], page=is_page(text))
    return unwrap(status, value)


def unwrap(status: int | None, value: object) -> Said:
    """Find kind, code and text in ``{"type": "error", "error": {"type", "message", "details"}}``.

    Gateways leave parts of it out, so that each is optional and a bare text is taken too.
    """
    inner = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(inner, dict):
        return Said(status=status, text=inner[:TEXT_LIMIT] if isinstance(inner, str) else "")
    details = inner.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    kind, text = inner.get("type"), inner.get("message") or inner.get("detail")
    return Said(
        status=status,
        kind=kind[:_MARK] if isinstance(kind, str) else "",
        code=code[:_MARK] if isinstance(code, str) else "",
        text=text[:TEXT_LIMIT] if isinstance(text, str) else "",
    )
