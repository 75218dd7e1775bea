"""What stands behind the providers that the pages name: one server on loopback that has every model they ask for.

A page may say ``claude/sonnet``; where its commands are tried, a provider of that name is the demo's simulated Ollama.
Lanes, agents, budgets, prices and schemas are the page's own.
"""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from llmdesk.demo.catalogue import CLOUD_MODEL, SimModel
from llmdesk.demo.ollama_sim import OllamaSim
from llmdesk.demo.server import HttpServer
from llmdesk.demo.speech import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEPT = ("cat", "sh", "llmdesk")
"""Programs that are everywhere: a provider that runs one stays as the page has it."""

FREE = ("ollama", "command")
"""Kinds whose answers cost nothing unless the file says otherwise."""


def read_yaml(text: str) -> Any:
    """A block of a page as values."""
    return YAML(typ="safe", pure=True).load(text)


def with_stand_ins(text: str, url: str) -> str:
    """A page's configuration with the server at ``url`` behind each of its providers, as a file."""
    tree = read_yaml(text)
    providers = {"cloud": {"kind": "ollama"}, "local": {"kind": "ollama"}, **tree.get("providers", {})}
    tree["providers"] = {name: _stand_in(entry, url) for name, entry in providers.items()}
    return json.dumps(tree)


def _stand_in(entry: dict[str, Any], url: str) -> dict[str, Any]:
    if entry.get("command", [""])[0] in KEPT:
        return entry
    kept = {
        key: entry[key] for key in ("models", "params", "rate_limit", "cooldown_s", "default_model") if key in entry
    }
    if "cooldown_s" in kept:
        kept["cooldown_s"] = max(kept["cooldown_s"], 600)
    billing = entry.get("billing", "free" if entry["kind"] in FREE else "metered")
    return {"kind": "ollama", "base_url": url, "billing": billing, "retry": {"delay_s": 0}, **kept}


def models_of(texts: Iterable[str]) -> set[str]:
    """The names of every model that these configurations ask for."""
    names = {"largest-of-the-house"}
    for text in texts:
        tree = read_yaml(text)
        for lane in tree.get("lanes", {}).values():
            names.update(ref.partition("/")[2] for ref in lane.get("targets", ()) if "/" in ref)
        for entry in tree.get("providers", {}).values():
            names.update((entry or {}).get("models", {}).values())
    return names - {"largest"}


@contextmanager
def server(names: Iterable[str]) -> Iterator[str]:
    """Serve models of these names in a thread; yields the address."""
    models = [
        SimModel(name=name, parameters=7e9, size_bytes=10_000_000, context_tokens=131_072,
                 capabilities=("completion", "thinking", "vision", "tools"))
        for name in sorted({*names, CLOUD_MODEL})
    ]  # fmt: skip
    loop, up, found = asyncio.new_event_loop(), threading.Event(), []
    done = asyncio.Event()

    async def serve() -> None:
        async with HttpServer(OllamaSim(models, pace=Pace(start_s=0.0, token_s=0.0, step_s=0.0))) as http:
            found.append(http.url)
            up.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert up.wait(20)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()
