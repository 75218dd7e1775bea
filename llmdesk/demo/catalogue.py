"""The simulated models: what they are called, how large they say they are, what they can do.

Source of the forms: ollama/ollama v0.33.0-rc2, api/types.go (ListModelResponse, ShowResponse, ModelDetails).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SimModel:
    """One model. ``parameters`` is a count, ``size_bytes`` the file; ``remote_model`` marks a stub of a cloud model."""

    name: str
    parameters: float
    size_bytes: int
    context_tokens: int
    capabilities: tuple[str, ...]
    family: str = "demo"
    quantization: str = "Q4_K_M"
    embedding_length: int = 4096
    modified_at: str = "2026-08-21T09:00:00.000000001Z"
    remote_model: str = ""
    system: str = ""

    def can(self, capability: str) -> bool:
        """Whether the model has a capability by its wire name (types/model/capability.go)."""
        return capability in self.capabilities

    @property
    def digest(self) -> str:
        """Bare hexadecimal, made from the name."""
        return hashlib.sha256(self.name.encode()).hexdigest()

    def details(self) -> Json:
        """The ``details`` object of list, show and ps."""
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.family,
            "families": [self.family],
            "parameter_size": _parameter_size(self.parameters),
            "quantization_level": self.quantization,
            "context_length": self.context_tokens,
            "embedding_length": self.embedding_length,
        }

    def listed(self) -> Json:
        """The entry of ``/api/tags``."""
        remote = {"remote_model": self.remote_model, "remote_host": "https://ollama.com:443"}
        return {
            "name": self.name,
            "model": self.name,
            **(remote if self.remote_model else {}),
            "modified_at": self.modified_at,
            "size": self.size_bytes,
            "digest": self.digest,
            "details": self.details(),
            "capabilities": list(self.capabilities),
        }

    def shown(self) -> Json:
        """The answer of ``/api/show``."""
        return {
            "license": "DEMO: a simulated model, nothing to license.",
            "modelfile": f"# DEMO\nFROM {self.name}\n" + (f'SYSTEM """{self.system}"""\n' if self.system else ""),
            "parameters": 'stop                           "<end>"\ntemperature                    0.8',
            "template": "{{ .System }}\n{{ .Prompt }}",
            **({"system": self.system} if self.system else {}),
            "details": self.details(),
            "model_info": {
                "general.architecture": self.family,
                "general.parameter_count": int(self.parameters),
                f"{self.family}.context_length": self.context_tokens,
                f"{self.family}.embedding_length": self.embedding_length,
            },
            "tensors": [{"name": "token_embd.weight", "type": "Q4_K", "shape": [self.embedding_length, 32_000]}],
            "capabilities": list(self.capabilities),
            "modified_at": self.modified_at,
        }


def _parameter_size(count: float) -> str:
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.2f}M"


CLOUD_MODEL = "demo-cloud:120b"
LOCAL_MODEL = "demo-large:27b"

CLOUD_MODELS = (
    SimModel(
        name=CLOUD_MODEL,
        parameters=116.8e9,
        size_bytes=65_290_000_000,
        context_tokens=131_072,
        capabilities=("completion", "tools", "thinking"),
        quantization="MXFP4",
    ),
    SimModel(
        name="demo-cloud:20b",
        parameters=20.9e9,
        size_bytes=13_780_000_000,
        context_tokens=131_072,
        capabilities=("completion", "tools", "thinking"),
        quantization="MXFP4",
    ),
)
"""What the simulated ollama.com offers."""

LOCAL_MODELS = (
    SimModel(
        name=LOCAL_MODEL,
        parameters=27.4e9,
        size_bytes=17_396_936_941,
        context_tokens=131_072,
        capabilities=("completion", "vision", "tools"),
    ),
    SimModel(
        name="demo-small:4b",
        parameters=4.3e9,
        size_bytes=3_338_801_804,
        context_tokens=32_768,
        capabilities=("completion",),
        modified_at="2026-08-14T09:00:00.000000001Z",
    ),
    SimModel(
        name="demo-embed:latest",
        parameters=137e6,
        size_bytes=274_302_450,
        context_tokens=2_048,
        capabilities=("embedding",),
        family="demo-bert",
        quantization="F16",
        embedding_length=64,
        modified_at="2026-08-07T09:00:00.000000001Z",
    ),
    SimModel(
        name="demo-cloud:120b-cloud",
        parameters=116.8e9,
        size_bytes=382,
        context_tokens=131_072,
        capabilities=("completion", "tools", "thinking"),
        quantization="MXFP4",
        modified_at="2026-08-01T09:00:00.000000001Z",
        remote_model=CLOUD_MODEL,
    ),
)
"""What the simulated local server has: two that chat, one that embeds, one stub that only points to the cloud."""
