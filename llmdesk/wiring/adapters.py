"""The adapters of one desk, each made when a request first needs it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from llmdesk.config import convert
from llmdesk.config.credentials import resolve_beside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.config.loader import Loaded
    from llmdesk.providers.base import Provider
    from llmdesk.storage.process_groups import ProcessGroups


class AdapterShelf:
    """The adapters of one desk, each made when a request first needs it.

    Args:
        loaded: the settings.
        env: the environment.
        groups: where the process groups of running tools are written down.
    """

    def __init__(self, loaded: Loaded, env: Mapping[str, str], groups: ProcessGroups) -> None:
        self._loaded = loaded
        self._env = env
        self._groups = groups
        self._leftovers: asyncio.Future[int] | None = None
        self._open: dict[str, Provider] = {}
        self._passed_on: set[str] = set()
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, provider: str) -> Provider:
        """The adapter of ``provider``; its key is resolved now, in a thread, because that may run a command.

        Raises:
            SetupBroken: it cannot be made: a bad key, a failing command, an unusable address.
        """
        if provider in self._open:
            return self._open[provider]
        async with self._locks.setdefault(provider, asyncio.Lock()):
            if provider not in self._open:
                self._open[provider] = await self._make(provider)
        return self._open[provider]

    async def _make(self, provider: str) -> Provider:
        from llmdesk.providers import make_provider
        from llmdesk.providers.base import Endpoint, Timeouts

        found = await resolve_beside(self._loaded, provider, self._env)
        told = convert.endpoint(self._loaded, provider, found)
        limits = told.limits
        endpoint = Endpoint(
            name=told.name,
            base_url=told.base_url,
            key=told.key,
            key_source=told.key_source,
            headers=told.headers,
            timeouts=Timeouts(
                connect_s=limits.connect_s,
                write_s=limits.write_s,
                pool_s=limits.pool_s,
                first_token_s=limits.first_token_s,
                idle_s=limits.idle_s,
                content_s=limits.content_s,
                total_s=limits.total_s,
            ),
            allow_http=told.allow_http,
            models=told.models,
            options={**told.options, "record_group": self._groups.record} if told.kind == "command" else told.options,
        )
        adapter = make_provider(told.kind, endpoint)
        if told.kind != "command":
            from llmdesk.providers.http import load

            load()  # what takes long is over before the router's last look at the cooldowns
        return adapter

    def renewed(self, loaded: Loaded) -> AdapterShelf:
        """A shelf for other settings; what is open of the providers that stay as they are passes on to it.

        This one still serves those who use it, and closing it closes what it has not passed on.
        """
        fresh = AdapterShelf(loaded, self._env, self._groups)
        same = unchanged(self._loaded, loaded)
        fresh._open = {name: adapter for name, adapter in self._open.items() if name in same}
        self._passed_on = set(fresh._open)
        return fresh

    def end_leftovers(self) -> None:
        """Begin to end the tools that a killed llmdesk left running (policy T13); closing waits for it."""
        if self._groups.has_records():
            self._leftovers = asyncio.ensure_future(asyncio.to_thread(self._groups.end_leftovers))

    async def aclose(self) -> None:
        """Close them all, each whatever becomes of the others."""
        adapters = [adapter for name, adapter in self._open.items() if name not in self._passed_on]
        self._open = {}
        async with AsyncExitStack() as closing:
            if self._leftovers is not None:
                closing.push_async_callback(asyncio.wait, {self._leftovers})
            for adapter in adapters:
                closing.push_async_callback(adapter.aclose)


def unchanged(before: Loaded, now: Loaded) -> frozenset[str]:
    """The providers whose settings are the same in both."""
    old, new = before.settings.providers, now.settings.providers
    return frozenset(
        name
        for name in old.keys() & new.keys()
        if old[name] == new[name] and before.disabled.get(name) == now.disabled.get(name)
    )
