"""What an Ollama server's refusals mean: one table from status and text to a class of failure.

The rows are those of docs/policy.md, 3.1 (O) and 3.2 (C); the texts come from ``server/routes.go``,
``llm/llama_server.go`` and ``server/sched.go`` of ollama/ollama (v0.33) and from reports about ollama.com. Wordings
change every few months, so the status decides wherever it can and the text only where it must.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from llmdesk.core.addresses import is_loopback
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
from llmdesk.providers.refusals import Rule, Rules, is_page, on, quoted, usual_words

if TYPE_CHECKING:
    from llmdesk.core.errors import ProviderError
    from llmdesk.providers.base import Endpoint

_WRAPPINGS = 4
_REFERENCE = re.compile(r"\s*\(ref: [^)]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A refusal, unwrapped. ``status`` ``None`` = an error object inside a reply that began with 200.

    ``window`` is the context size the server told, tokens; ``page`` marks a body that is a web page.
    """

    status: int | None
    text: str = ""
    window: int | None = None
    signin: bool = False
    page: bool = False


_SIZE = r"[\d.]+ ?[KMGT]?i?B"
_BROKE = on(400, 500, 503, None)

RULES = Rules((
    Rule(row="O10", statuses=on(400, 413, 422, 500, None), error=RequestRejected, target_specific=True, too_long=True,
         text=r"exceed_context_size|exceeds? the available context|longer than the context length"
              r"|exceeds? (?:the |maximum )*context",
         cause="the prompt is longer than this model's context{window}."),
    Rule(row="O9", statuses=_BROKE, error=ServerFailed, retries=0, smaller_model=True,
         text=rf"requires more (?:system )?memory \((?P<needs>{_SIZE})\) than is available \((?P<has>{_SIZE})\)",
         cause="{model} needs {needs} of memory and {has} is available. Try a smaller model."),
    Rule(row="O9", statuses=_BROKE, error=ServerFailed, retries=0, smaller_model=True,
         text=r"requires more (?:system )?memory|out[- ]of[- ]memory|cudaMalloc failed",
         cause="not enough memory for {model} ({said}). Try a smaller model."),
    Rule(row="O4", statuses=_BROKE, error=ServerFailed, retries=1, smaller_model=True,
         text=r"model runner has unexpectedly stopped",
         cause="the model runner stopped unexpectedly (see Ollama's log)."),
    Rule(row="O3", statuses=_BROKE, error=ServerFailed, retries=0,
         text=r"timed out waiting for .{0,80}to start",
         cause="{model} did not load in time. See Ollama's log, or try a smaller model."),
    Rule(row="O20", statuses=_BROKE, error=RequestRejected,
         text=r"invalid format|must be of type|failed to parse grammar|invalid think value",
         cause="the request was rejected: {said}"),
    Rule(row="O14", statuses=_BROKE, error=RequestRejected, target_specific=True,
         text=r"image input is not supported|does not support (?:vision|image)|mmproj",
         cause="{model} takes no images."),
    Rule(row="O14", statuses=on(400, 500, 501, None), error=ModelGone, target_specific=True,
         text=r"does not support (?P<what>[\w-]+)",
         cause="{model} does not support {what}. Choose another model."),
    Rule(row="O14", statuses=on(400), error=ModelGone, text=r"cannot run this remote model",
         cause="this server cannot run {model}. Choose another model."),
    Rule(row="C1", statuses=on(429), error=QuotaReached, text=r"\b(?P<period>weekly|monthly)\b",
         cause="{period} limit reached."),
    Rule(row="C2", statuses=on(429), error=RateLimited, cause="rate limited."),
    Rule(row="C3", statuses=on(402), error=QuotaReached, cause="the plan's limit is reached (402)."),
    Rule(row="O12", statuses=on(401), error=KeyRejected, text=r"\bsignin_url\b",
         cause="not signed in to ollama.com (401). Run: ollama signin"),
    # What a registry says to a push under a name of somebody else (ollama/ollama cmd/cmd.go PushHandler).
    Rule(row="push", statuses=on(None), error=KeyRejected, scope="model",
         text=r"\Aunauthorized: access denied|\"code\":\s?\"(?:access )?denied",
         cause="the registry denies access to {model}. Push under a name of yours, NAME/MODEL, and run: ollama signin"),
    Rule(row="C7", statuses=on(401), error=KeyRejected, cause="{key}"),
    Rule(row="O13", statuses=on(403), error=KeyRejected, scope="model", text=r"cloud is disabled",
         cause="cloud models are switched off on this server (403). See OLLAMA_NO_CLOUD."),
    Rule(row="C8", statuses=on(403), error=KeyRejected, scope="model", text=r"subscription|upgrade",
         cause="{model} needs a subscription (403)."),
    Rule(row="host guard", statuses=on(403), error=KeyRejected, text=r"\A\Z",
         cause="the server refuses this host name (403). A proxy in front must set Host to localhost."),
    Rule(row="403", statuses=on(403), error=KeyRejected, scope="model", cause="{model} is not allowed (403): {said}"),
    Rule(row="404", statuses=on(404), error=SetupBroken, text=r"page not found|\A<",
         cause="there is no Ollama at this address (404). Check base_url."),
    Rule(row="O2 C6", statuses=on(404), error=ModelGone, cause="model {model} is not available.{fetch}"),
    Rule(row="410", statuses=on(410), error=ModelGone, cause="model {model} was retired (410). Choose another model."),
    Rule(row="pull", statuses=on(None, 500), error=ModelGone, text=r"manifest: file does not exist",
         cause="model {model} is not in the registry. Check its name."),
    Rule(row="413", statuses=on(413), error=RequestRejected, target_specific=True,
         cause="the request is too large for this server (413)."),
    Rule(row="400", statuses=on(400, 422), error=RequestRejected, cause="the request was rejected ({status}): {said}"),
    Rule(row="O21", statuses=on(499), error=ServerFailed, cause="the server gave the request up (499)."),
    Rule(row="in stream", statuses=on(None), error=QuotaReached, text=r"(?P<period>weekly|monthly) (?:usage )?limit",
         cause="{period} limit reached."),
    Rule(row="in stream", statuses=on(None), error=RateLimited, text=r"usage limit|rate limit|too many requests",
         cause="rate limited."),
    Rule(row="in stream", statuses=on(None), error=KeyRejected, text=r"\Aunauthorized", cause="{key}"),
    Rule(row="O5 O22", statuses=on(None), error=ServerFailed, cause="error in mid-answer: {said}"),
    Rule(row="O11 C4 C5 C9", error=ServerFailed, cause="server error {status}{quoted}."),
))  # fmt: skip


def failure(endpoint: Endpoint, said: Said, *, model: str = "", hint_s: float | None = None) -> ProviderError:
    """Make the error that ``said`` means, with a message fit for a user."""
    text = redact(said.text)
    quote = quoted(_REFERENCE.sub("", text)) if not said.page else "a web page"
    words = {
        **usual_words(model, quote),
        "window": f" ({said.window:,} tokens)".replace(",", " ") if said.window else "",
        "key": _key_advice(endpoint),
        "fetch": f" Run: ollama pull {model}" if model and endpoint.key is None else " Choose another model.",
    }
    return RULES.failure(
        endpoint.name, status=said.status, text=_matched_text(said), words=words, details=text, hint_s=hint_s
    )


def _key_advice(endpoint: Endpoint) -> str:
    if endpoint.key is not None:
        return f"key rejected (401). Check {endpoint.key_source or 'its API key'}."
    if is_loopback(endpoint.base_url):
        return "not signed in to ollama.com (401). Run: ollama signin"
    return "a key is needed (401). Set its api_key."


def _matched_text(said: Said) -> str:
    if said.page:
        return "<"
    return f"{said.text} signin_url" if said.signin else said.text


# --- unwrapping -------------------------------------------------------------------------------------------------------


def read_error(status: int, body: bytes) -> Said:
    """Unwrap the body of a refusal: JSON, JSON inside a string, plain text, a web page, or nothing."""
    text = body.decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Said(status=status, text="" if is_page(text) else text, page=is_page(text))
    return unwrap(status, value)


def unwrap(status: int | None, value: object) -> Said:
    """Find text and numbers in a decoded error, however it is wrapped.

    Known shapes: ``{"error": text}``, the same with JSON in the string (passed on from the runner),
    ``{"error": {"message", "type", "n_ctx"}}``, ``{"StatusCode", "Status", "error"}`` (models derived from a cloud
    model), a bare string.
    """
    window: int | None = None
    signin = False
    kind = ""
    for _ in range(_WRAPPINGS):
        if isinstance(value, dict):
            if isinstance(found := value.get("n_ctx"), int):
                window = found
            if status is None and isinstance(code := value.get("StatusCode"), int) and 400 <= code < 600:
                status = code
            if isinstance(value.get("type"), str):
                kind = f"{value['type']}: "
            signin = signin or "signin_url" in value
            value = next((value[name] for name in ("error", "message", "detail") if value.get(name)), "")
        elif isinstance(value, str) and value.lstrip()[:1] == "{":
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                break
        else:
            break
    try:
        text = value if isinstance(value, str) else json.dumps(value)
    except RecursionError:
        text = ""
    return Said(status=status, text=kind + text, window=window, signin=signin)
