"""Who answers, in the words of the conventions: the vendor behind a provider, and the address it has."""

from __future__ import annotations

from dataclasses import field
from urllib.parse import urlsplit

from llmdesk.core.types import Params
from llmdesk.core.values import dataclass

_DEFAULT_PORTS = {"http": 80, "https": 443}

_BY_HOST = (
    (".api.openai.com", "openai"),
    (".openai.azure.com", "azure.ai.openai"),
    (".services.ai.azure.com", "azure.ai.inference"),
    (".models.inference.ai.azure.com", "azure.ai.inference"),
    (".api.anthropic.com", "anthropic"),
    (".generativelanguage.googleapis.com", "gcp.gemini"),
    (".aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("-aiplatform.googleapis.com", "gcp.vertex_ai"),
    (".ml.cloud.ibm.com", "ibm.watsonx.ai"),
    (".api.cohere.ai", "cohere"),
    (".api.cohere.com", "cohere"),
    (".api.deepseek.com", "deepseek"),
    (".api.groq.com", "groq"),
    (".api.mistral.ai", "mistral_ai"),
    (".api.moonshot.ai", "moonshot_ai"),
    (".api.moonshot.cn", "moonshot_ai"),
    (".api.perplexity.ai", "perplexity"),
    (".api.x.ai", "x_ai"),
)
"""End of the host's name, with a dot before it -> well-known value of `gen_ai.provider.name`."""

_BY_KIND = {"google": "gcp.gen_ai"}
"""What is known from the wire alone where that is not the name of the kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """What telemetry says of a provider.

    ``name`` is the value of ``gen_ai.provider.name``; ``address`` is empty and ``port`` ``None`` for a program of this
    machine. ``streams``: its answers are asked for piece by piece. ``params`` lie under those of every lane.
    """

    name: str
    address: str = ""
    port: int | None = None
    streams: bool = True
    params: Params = field(default_factory=Params)


def vendor_of(kind: str, base_url: str, params: Params | None = None) -> Vendor:
    """Name whom a provider reaches.

    Args:
        kind: its wire format; the name where nothing better is known, a gateway of one's own included.
        base_url: its address; empty for a program.
        params: those of the provider.
    """
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        host, port = "", None
    return Vendor(
        name=_well_known(host) or _BY_KIND.get(kind, kind),
        address=host,
        port=port if host else None,
        streams=kind != "command",
        params=params or Params(),
    )


def _well_known(host: str) -> str:
    if host.startswith("bedrock-runtime.") and host.endswith(".amazonaws.com"):
        return "aws.bedrock"
    return next((name for end, name in _BY_HOST if f".{host}".endswith(end)), "")
