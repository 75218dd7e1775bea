"""What refusals of OpenAI-compatible endpoints mean: one table from status and text to a class of failure.

The rows are those of docs/policy.md, 3.3 (P) and 3.4 (G). The texts come from developers.openai.com (error codes),
the server sources of vllm-project/vllm and ggml-org/llama.cpp, the error pages of Groq, Mistral, OpenRouter and
DeepSeek, and reports about GitHub Models. What the rules look at is ``code type param: message``, as far as told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.addresses import is_loopback
from llmdesk.core.errors import (
    KeyRejected,
    ModelGone,
    ModelRefused,
    QuotaReached,
    RateLimited,
    RequestRejected,
    ServerFailed,
    SetupBroken,
)
from llmdesk.core.text import redact
from llmdesk.providers.refusals import Rule, Rules, on, quoted, usual_words

if TYPE_CHECKING:
    from llmdesk.core.errors import ProviderError
    from llmdesk.providers.base import Endpoint
    from llmdesk.providers.openai.said import Said

_WRONG = on(400, 404, 415, 422, 500, 501, None)
"""Statuses under which servers say that a request asks too much of a model."""

_UNKNOWN_MODEL = (
    r"model_not_found|unknown_model|invalid_model|model_decommissioned|decommissioned"
    r"|\bmodels? [^:]{0,200}(?:does not exist|do(?:es)? not have access|not found|not exist|not available|is not valid)"
    r"|not a valid model|invalid model|no endpoints found|model not exist|unknown model|no models? loaded"
)

RULES = Rules((
    # --- G1: gone for good
    Rule(row="G1", statuses=on(410), error=ModelGone, text=r"\bgithub.?models\b",
         cause="GitHub Models was retired on 30 July 2026 ({status}). Put another target into the lane, "
               "for example openai/… or openrouter/…"),
    Rule(row="410", statuses=on(410), error=ModelGone, cause="{model} was retired (410). Choose another model."),
    # --- P2: money and plans
    Rule(row="P2", statuses=on(400, 402, 403, 429, None), error=QuotaReached,
         text=r"(?P<what>(?:organization|project)_spend_limit|spend limit|spending limit)",
         cause="the spend limit is reached. Raise it, or wait until it begins anew."),
    Rule(row="P2", statuses=on(400, 402, 403, 429, None), error=QuotaReached,
         text=r"insufficient_quota|credit_balance|usage_limit_exceeded|billing_hard_limit|exceeded your current quota"
              r"|insufficient[ _](?:balance|credits|funds)|out of credits|billing_not_active|requires more credits",
         cause="credit or quota is used up{status_told}. Check plan and billing."),
    Rule(row="P1 day", statuses=on(429, None), error=QuotaReached,
         text=r"\b(?P<period>daily|weekly|monthly)\b|(?:requests|tokens)[ -]per[ -]day\b|per-day\b|\b[RT]PD\b",
         cause="the daily or longer limit is reached."),
    Rule(row="402", statuses=on(402), error=QuotaReached, cause="payment is required (402). Check plan and billing."),
    # --- P9: declined before an answer began
    Rule(row="P9", statuses=on(400, 403, 422, None), error=ModelRefused,
         text=r"content_policy|content_filter|content management policy|ResponsibleAI|content_moderation"
              r"|moderation[^:]{0,80}flagged|flagged[^:]{0,80}moderation|safety system",
         cause="the request was declined (content policy): {said}"),
    # --- P6, G3: too long
    Rule(row="G3", statuses=on(413), error=RequestRejected, target_specific=True, too_long=True,
         text=r"tokens_limit_reached",
         cause="the request is larger than {model} takes here{window}."),
    Rule(row="P6", statuses=on(400, 413, 422, 500, None), error=RequestRejected, target_specific=True, too_long=True,
         text=r"context_length_exceeded|context_window_exceeded|exceed_context_size|exceeds? the available context"
              r"|maximum context length|maximum model length|max_model_len"
              r"|context (?:length|window|size)[^:]{0,60}exceed"
              r"|exceeds?[^:]{0,60}context (?:length|window|size)|prompt is too long|prompt too long"
              r"|reduce the length of the (?:messages|prompt|input)|too large to process|model's context"
              r"|greater than the context length|context the overflows|overflows the context",
         cause="the prompt is longer than this model's context{window}."),
    Rule(row="413", statuses=on(413), error=RequestRejected, target_specific=True,
         cause="the request is too large for this endpoint (413)."),
    # --- P4, P5, G4: keys
    Rule(row="P4", statuses=on(400, 403, None), error=KeyRejected,
         text=r"invalid_api_key|incorrect api key|invalid api key|api key not valid|no auth credentials|invalid token"
              r"|authentication_?error|invalid_authentication|unauthorized\b",
         cause="{key}"),
    Rule(row="P4", statuses=on(401), error=KeyRejected, cause="{key}"),
    Rule(row="P5", statuses=on(403), error=KeyRejected, scope="model",
         text=r"country|region|territory|unsupported_country", cause="not served in this country or region (403)."),
    Rule(row="P5", statuses=on(403), error=KeyRejected, scope="model", text=r"\bip\b|ip_not_authorized|allow.?list",
         cause="this address is not on the allow-list of the account (403)."),
    Rule(row="G4", statuses=on(403), error=KeyRejected, scope="model", text=r"models:read|models: read|`models`",
         cause="the token lacks the permission models: read (403). Make one that has it."),
    Rule(row="403", statuses=on(403), error=KeyRejected, scope="model", cause="{model} is not allowed (403): {said}"),
    # --- what one model or endpoint cannot do
    Rule(row="images", statuses=_WRONG, error=RequestRejected, target_specific=True,
         text=r"image input|image_url|support(?:s|ing)? (?:for )?(?:image|vision)|not a multimodal|mmproj"
              r"|(?:image|vision)[^:]{0,60}(?:not (?:currently )?support|unsupported|only supported)",
         cause="{model} takes no images. Choose a model that does."),
    Rule(row="schema", statuses=_WRONG, error=RequestRejected, target_specific=True,
         text=r"response_format|response format|json_schema|json schema|structured.?outputs?|guided",
         cause="response_format was refused for {model}: {said} Set native_schema: false, or choose another model."),
    Rule(row="tools", statuses=_WRONG, error=RequestRejected, target_specific=True,
         text=r"tools? (?:is|are)? ?not supported|(?:not|n't) support (?:tool|function)|enable-auto-tool-choice"
              r"|support tool use",
         cause="{model} takes no tools. Choose a model that does."),
    Rule(row="parameter", statuses=_WRONG, error=RequestRejected, target_specific=True,
         text=r"unsupported_(?:parameter|value)|unsupported (?:parameter|value)|unknown_parameter|unknown parameter"
              r"|unrecognized request argument|extra_forbidden|extra inputs are not permitted|not supported with this"
              r"|(?:is|are) not supported|is unsupported|does not support (?:the )?[\w`'\"]+",
         cause="{model} does not take {param}. Take it out of the lane's parameters. ({said})"),
    # --- P6: no such model, no such place
    Rule(row="no place", statuses=on(404, 405), error=SetupBroken,
         text=r"\A<|\A[^:]*:? ?(?:page |url |file |route )?not found\.?\Z|404 page not found|invalid url|\A\Z"
              r"|unexpected endpoint|cannot (?:get|post)|method not allowed|file not found",
         cause="there is no OpenAI-compatible API at this address ({status}). Check base_url; it often ends in /v1."),
    Rule(row="no place", statuses=on(None), error=SetupBroken, text=r"unexpected endpoint or method",
         cause="there is no OpenAI-compatible API at this address. Check base_url; it often ends in /v1."),
    Rule(row="P6", statuses=on(400, 403, 422, None), error=ModelGone, text=_UNKNOWN_MODEL,
         cause="model {model} is not available{status_told}. Choose another one: llmdesk models"),
    Rule(row="P6", statuses=on(404), error=ModelGone,
         cause="model {model} is not available (404). Choose another one: llmdesk models"),
    # --- P1, G2
    Rule(row="P1 P3 G2", statuses=on(429), error=RateLimited, cause="rate limited."),
    Rule(row="P1", statuses=on(None), error=RateLimited,
         text=r"rate_?limit|rate limit|too many requests|too_many_requests|slow_down|RateLimitReached",
         cause="rate limited."),
    # --- the rest
    Rule(row="400", statuses=on(400, 415, 422), error=RequestRejected,
         cause="the request was rejected ({status}): {said}"),
    Rule(row="P7", statuses=on(None), error=RequestRejected, text=r"invalid_request|badrequest",
         cause="the request was rejected: {said}"),
    Rule(row="loading", statuses=on(503), error=ServerFailed, text=r"loading model",
         cause="the server is still loading its model (503)."),
    Rule(row="P7", statuses=on(None), error=ServerFailed, cause="error in mid-answer: {said}"),
    Rule(row="P3", error=ServerFailed, cause="server error {status}{quoted}."),
))  # fmt: skip


def failure(
    endpoint: Endpoint, said: Said, *, model: str = "", hint_s: float | None = None, retired: bool = False
) -> ProviderError:
    """Make the error that ``said`` means, with a message fit for a user.

    Args:
        endpoint: whom the message names, and whose key it speaks of.
        said: the refusal, unwrapped.
        model: what was asked for.
        hint_s: how long the server asks to wait, seconds.
        retired: the endpoint is known to be GitHub Models.
    """
    text = redact(said.text)
    quote = quoted(text) if not said.page else "a web page"
    words = {
        **usual_words(model, quote),
        "window": f" ({said.window:,} tokens)".replace(",", " ") if said.window else "",
        "key": _key_advice(endpoint, said.status),
        "param": said.param or "a parameter of the request",
        "status_told": f" ({said.status})" if said.status else "",
    }
    seen = "<" if said.page else f"{said.marks}: {text}" if said.marks else text
    return RULES.failure(
        endpoint.name,
        status=said.status,
        text=f"github-models {seen}" if retired and said.status == 410 else redact(seen),
        words=words,
        details=text,
        hint_s=hint_s,
    )


def _key_advice(endpoint: Endpoint, status: int | None) -> str:
    told = f" ({status})" if status else ""
    if endpoint.key is not None:
        return f"key rejected{told}. Check {endpoint.key_source or 'its API key'}."
    if is_loopback(endpoint.base_url):
        return f"this server wants a key{told}. Set its api_key."
    return f"a key is needed{told}. Set its api_key."
