"""The demo: a simulated cloud and a simulated local Ollama over real HTTP on loopback, and the scene they play.

``demo_world`` is loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["World", "demo_world"]

if TYPE_CHECKING:
    from llmdesk.demo.world import World, demo_world


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from llmdesk.demo import world

    return getattr(world, name)
