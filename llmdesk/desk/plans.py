"""How much of a plan is used, where a provider tells: asked beside everything else, and nobody is told of a failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from llmdesk.core.errors import ProviderError, QuotaReached, RateLimited
from llmdesk.core.text import one_line
from llmdesk.core.types import ModelRef
from llmdesk.core.views import Topic
from llmdesk.providers.base import PlanUsage

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.views import Quota
    from llmdesk.desk.parts import Parts

AGE_S = 300.0
"""How long the figures are believed before an answer makes them worth asking for again, seconds."""


class Plans:
    """Remembers what each provider has told of its plan, and owns the calls that ask.

    Args:
        parts: the desk's.
        changed: told when a figure has changed.
    """

    def __init__(self, parts: Parts, changed: Callable[[Topic], None]) -> None:
        self._parts = parts
        self._changed = changed
        self._known: dict[str, tuple[Quota, ...]] = {}
        self._asked_at: dict[str, float] = {}
        self._calls: dict[str, asyncio.Task[None]] = {}

    def known(self, provider: str) -> tuple[Quota, ...]:
        """What the provider has told last."""
        return self._known.get(provider, ())

    @property
    def told(self) -> frozenset[str]:
        """The providers that have told anything."""
        return frozenset(self._known)

    def forget(self, provider: str) -> None:
        """Forget what a provider has told that is another one now."""
        self._known.pop(provider, None)
        self._asked_at.pop(provider, None)

    def answered(self, provider: str) -> None:
        """An answer has come, which the plan has paid for; ask what is left, if that is long ago."""
        asked_at, now = self._asked_at.get(provider), self._parts.router.targets.elapsed()
        if asked_at is None or now - asked_at >= AGE_S:
            self.ask(provider)

    def ask(self, provider: str) -> None:
        """Begin to ask, if the provider has a key and may be called at all; must be called from the event loop."""
        targets = self._parts.router.targets
        facts = self._parts.providers.get(provider)
        if provider in self._calls or facts is None or not facts.rules.has_key:
            return
        if targets.skip_reason(ModelRef(provider, "?"))[0]:
            return
        self._asked_at[provider] = targets.elapsed()
        self._calls[provider] = call = asyncio.get_running_loop().create_task(self._ask(provider))
        call.add_done_callback(lambda done: self._ended(provider, done))
        call.add_done_callback(self._parts.leases.take())

    async def _ask(self, provider: str) -> None:
        try:
            adapter = await self._parts.adapters.get(provider)
            found = await adapter.quotas() if isinstance(adapter, PlanUsage) else ()
        except (RateLimited, QuotaReached) as error:  # a limit is a limit, whatever it was that met it
            message, rest_s = one_line(str(error)), self._parts.providers[provider].rules.rest_s(error.hint_s)
            await asyncio.to_thread(self._parts.cooldowns.cool, provider, error.kind.value, message, rest_s)
            self._changed(Topic.COOLDOWNS)
            return
        except ProviderError:  # it is only a gauge
            return
        if found != self.known(provider):
            self._known[provider] = found
            self._changed(Topic.PROVIDERS)

    def _ended(self, provider: str, call: asyncio.Task[None]) -> None:
        self._calls.pop(provider, None)
        if not call.cancelled() and (error := call.exception()) is not None:
            self._parts.log("unexpected error", provider=provider, error=type(error).__name__, exc_info=error)

    async def aclose(self) -> None:
        """Give up what is being asked."""
        calls = tuple(self._calls.values())
        for call in calls:
            call.cancel()
        if calls:
            await asyncio.wait(calls)
