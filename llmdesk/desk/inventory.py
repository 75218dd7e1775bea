"""Providers, lanes and models as they stand: what is known without asking, and what a look finds."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from llmdesk.core.errors import KeyRejected, ModelGone, ProviderError, QuotaReached, RateLimited, UsageError
from llmdesk.core.text import one_line, redact
from llmdesk.core.types import ModelRef
from llmdesk.core.views import LaneView, ModelRow, ProviderState, ProviderStatus, Topic
from llmdesk.desk.planning import target_states
from llmdesk.desk.plans import Plans
from llmdesk.router.masking import without_keys

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence

    from llmdesk.core.types import Json
    from llmdesk.desk.parts import Parts, ProviderFacts
    from llmdesk.desk.serving import Serving
    from llmdesk.providers.base import ModelStore, Provider, PullProgress, RunningModel


NOT_TRIED = "key not tried"
"""What is said of a provider that is well as far as it could be asked without its key."""


class Inventory:
    """Knows the providers of one desk; remembers what the last look at each found."""

    def __init__(self, parts: Parts, serving: Serving, changed: Callable[[Topic], None]) -> None:
        self._parts = parts
        self._serving = serving
        self._changed = changed
        self._seen: dict[str, ProviderStatus] = {}
        self.plans = Plans(parts, changed)

    # --- lanes and providers ---

    def lanes(self) -> tuple[LaneView, ...]:
        """All lanes in order."""
        return tuple(
            LaneView(
                name=lane.name,
                targets=target_states(self._parts, lane),
                failover=lane.failover,
                resume=lane.resume,
                has_system=bool(lane.system),
                has_schema=lane.schema is not None,
                default=lane.name == self._parts.default_lane,
            )
            for lane in self._parts.lanes.values()
        )

    @property
    def known(self) -> frozenset[str]:
        """The providers of which anything is remembered."""
        return frozenset({*self._seen, *self._serving.answering, *self.plans.told})

    def forget(self, providers: Iterable[str]) -> None:
        """Forget what was found of providers that are others now."""
        for name in providers:
            self._seen.pop(name, None)
            self._serving.answering.discard(name)
            self.plans.forget(name)

    def providers(self) -> tuple[ProviderStatus, ...]:
        """Every provider as far as it is known now."""
        return tuple(self._now(name) for name in self._parts.providers)

    def _now(self, name: str) -> ProviderStatus:
        """What the last look found, overruled by what has become known since."""
        facts, targets = self._parts.providers[name], self._parts.router.targets
        status = self._seen.get(name) or self._unseen(name)
        status = replace(status, quotas=self.plans.known(name))
        if facts.rules.disabled:
            return replace(status, state=ProviderState.NO_KEY, message=facts.rules.disabled)
        if private := self._private(name):
            return replace(status, state=ProviderState.UNKNOWN, message=private)
        if (until := targets.cooling_until(name)) is not None:
            cooldown = self._parts.cooldowns.get(name)
            return replace(
                status,
                state=ProviderState.COOLING,
                message=cooldown.message if cooldown else "",
                cooldown_until=until,
                cooldown_left_s=until - self._parts.clock(),
            )
        if attention := targets.attention(name):
            return replace(status, state=ProviderState.ATTENTION, message=attention)
        if name in self._serving.answering and status.state is not ProviderState.OK:
            return replace(status, state=ProviderState.OK, message="")
        return status

    def _unseen(self, name: str) -> ProviderStatus:
        facts, source = self._parts.providers[name], self._unfetched(name)
        return ProviderStatus(
            provider=name,
            kind=facts.kind,
            state=ProviderState.UNKNOWN,
            base_url=facts.base_url,
            message=f"not checked, needs {source}" if source else "",
        )

    def _unfetched(self, name: str) -> str:
        """What would have to be run or opened for the first time to call a provider; empty = nothing."""
        known = name in self._seen or name in self._serving.answering
        return "" if known else self._parts.providers[name].late_source

    async def look_around(self, timeout_s: float) -> tuple[ProviderStatus, ...]:
        """Look at every provider that is not resting, but run no command and open no keychain for it.

        Nobody asked for this look: a dialog that wants a password must not come of it.
        """
        return await self._look_at([name for name in self._parts.providers if not self._unfetched(name)], timeout_s)

    async def check(self, timeout_s: float) -> tuple[ProviderStatus, ...]:
        """Look at every provider that is not resting, in parallel."""
        return await self._look_at(tuple(self._parts.providers), timeout_s)

    async def _look_at(self, names: Sequence[str], timeout_s: float) -> tuple[ProviderStatus, ...]:
        with self._parts.leases.held():
            looks = await asyncio.gather(*(self._look(name, timeout_s) for name in names), return_exceptions=True)
        for name, fault in zip(names, looks, strict=True):
            if isinstance(fault, Exception):
                self._broken(name, fault)
            elif fault is not None:
                raise fault
        self._changed(Topic.PROVIDERS)
        return self.providers()

    async def probe(self, name: str, timeout_s: float = 10.0) -> ProviderStatus:
        """Call a provider on its user's explicit order, whatever cools (policy R13); well = it rests no longer."""
        facts = self._facts(name)
        if not (facts.rules.disabled or self._private(name)):
            try:
                with self._parts.leases.held():
                    await self._look(name, timeout_s, resting=True)
            except Exception as fault:  # noqa: BLE001 - as for every look
                self._broken(name, fault)
            if (seen := self._seen.get(name)) is not None and seen.state is ProviderState.OK:
                await asyncio.to_thread(self._parts.cooldowns.clear, name)
            self._changed(Topic.COOLDOWNS)
            self._changed(Topic.PROVIDERS)
        return self._now(name)

    def _private(self, name: str) -> str:
        """Why a provider must not even be looked at; empty = it may be."""
        reason, message = self._parts.router.targets.skip_reason(ModelRef(name, "?"))
        return message if reason == "privacy" else ""

    def _blank(self, name: str) -> ProviderStatus:
        """Begin a new finding; from now on it counts, and not what was answered before."""
        self._serving.answering.discard(name)
        facts = self._parts.providers[name]
        return ProviderStatus(provider=name, kind=facts.kind, state=ProviderState.DOWN, base_url=facts.base_url)

    def _broken(self, name: str, fault: Exception) -> None:
        """A fault of llmdesk itself costs the look at one provider, not at all of them."""
        text = one_line(redact(f"{name}: unexpected {type(fault).__name__}: {fault}. The log has more."))
        self._parts.log("unexpected error", provider=name, error=type(fault).__name__, exc_info=fault)
        self._seen[name] = replace(self._blank(name), message=text)

    async def _look(self, name: str, timeout_s: float, *, resting: bool = False) -> None:
        if name not in self._parts.providers:  # the settings were read again meanwhile
            return
        facts, targets = self._parts.providers[name], self._parts.router.targets
        if facts.rules.disabled or self._private(name) or (targets.cooling_until(name) is not None and not resting):
            return
        blank = self._blank(name)
        adapter: Provider | None = None
        try:
            async with asyncio.timeout(timeout_s):
                adapter = await self._parts.adapters.get(name)
                found = await adapter.check()
        except TimeoutError:
            late = facts.late_source if adapter is None else ""
            text = f"{late} did not come" if late else "no answer"
            state = ProviderState.ATTENTION if late else ProviderState.DOWN
            self._seen[name] = replace(blank, state=state, message=f"{name}: {text} within {timeout_s:g} s.")
        except (KeyRejected, ModelGone) as error:
            self._seen[name] = replace(blank, state=ProviderState.ATTENTION, message=one_line(str(error)))
        except (RateLimited, QuotaReached) as error:
            message = one_line(str(error))
            duration = facts.rules.rest_s(error.hint_s)
            await asyncio.to_thread(self._parts.cooldowns.cool, name, error.kind.value, message, duration)
            self._changed(Topic.COOLDOWNS)
        except ProviderError as error:  # without an adapter it was not called: what is wrong is on this side
            state = ProviderState.DOWN if adapter is not None else ProviderState.ATTENTION
            self._seen[name] = replace(blank, state=state, message=one_line(str(error)))
        else:
            targets.take_back(name)
            told = found.message.rstrip(".")
            untried = "" if found.key_tried or not facts.rules.has_key else NOT_TRIED
            self._seen[name] = replace(
                blank,
                state=ProviderState.OK,
                latency_ms=found.latency_ms,
                models=found.models,
                message=", ".join(filter(None, (told, untried))),
                key_tried=found.key_tried,
            )
            self.plans.ask(name)

    # --- models ---

    async def models(self, provider: str | None) -> tuple[ModelRow, ...]:
        """The models of one provider, or of all that can be asked."""
        if provider is not None:
            self._facts(provider)
            return await self._rows(provider)
        names = [n for n in self._parts.providers if not self._parts.router.targets.skip_reason(ModelRef(n, "?"))[0]]
        found = await asyncio.gather(*(self._rows(name) for name in names), return_exceptions=True)
        rows: list[ModelRow] = []
        for result in found:
            if isinstance(result, ProviderError):
                self._parts.warnings.append(one_line(str(result)))
            elif isinstance(result, BaseException):
                raise result
            else:
                rows += result
        return tuple(rows)

    async def _rows(self, provider: str) -> tuple[ModelRow, ...]:
        with self._parts.leases.held():
            listed = await self._parts.router.targets.models(provider, fresh=True)
        return tuple(ModelRow(provider=provider, model=model) for model in listed)

    async def running(self, provider: str | None) -> tuple[tuple[str, RunningModel], ...]:
        """What is in memory, on one server or on all local ones."""
        facts = self._parts.providers
        names = [provider] if provider else [n for n, f in facts.items() if f.rules.local_models]
        found: list[tuple[str, RunningModel]] = []
        for name in names:
            with self._parts.leases.held():
                store = await self._store(name)
                listed = await store.running_models()
                found += [(name, model) for model in listed if redact.known(model.name) == model.name]
        return tuple(found)

    async def show(self, ref: ModelRef) -> Json:
        """What the server tells about a model."""
        with self._parts.leases.held():
            return without_keys(await (await self._store(ref.provider)).show_model(ref.model))

    async def pull(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        """Fetch a model; afterwards it is no longer held to be missing."""
        async with aclosing(self._followed(ref, lambda store: store.pull_model(ref.model))) as steps:
            async for step in steps:
                yield step
        self._renewed(ref.provider)

    def push(self, ref: ModelRef) -> AsyncIterator[PullProgress]:
        """Publish a model; refused before anything is asked where nothing may leave this machine."""
        if self._parts.router.targets.local_only:
            raise UsageError(f"{ref}: not pushed, because privacy.network is local-only.")
        return self._followed(ref, lambda store: store.push_model(ref.model))

    async def create(
        self, ref: ModelRef, *, base: str, system: str | None, parameters: Mapping[str, object] | None
    ) -> AsyncIterator[PullProgress]:
        """Make a model from another one."""

        def begin(store: ModelStore) -> AsyncGenerator[PullProgress, None]:
            return store.create_model(ref.model, base=base, system=system, parameters=parameters)

        async with aclosing(self._followed(ref, begin)) as steps:
            async for step in steps:
                yield step
        self._renewed(ref.provider)

    async def _followed(
        self, ref: ModelRef, begin: Callable[[ModelStore], AsyncGenerator[PullProgress, None]]
    ) -> AsyncGenerator[PullProgress, None]:
        """What a server tells while it works on a model; leaving early closes the connection."""
        with self._parts.leases.held():
            async with aclosing(begin(await self._store(ref.provider))) as steps:
                async for step in steps:
                    yield replace(step, status=redact.known(step.status))

    async def copy(self, ref: ModelRef, destination: str) -> None:
        """Copy a model under a new name."""
        with self._parts.leases.held():
            await (await self._store(ref.provider)).copy_model(ref.model, destination)
        self._renewed(ref.provider)

    async def delete(self, ref: ModelRef) -> None:
        """Remove a model from disk."""
        with self._parts.leases.held():
            await (await self._store(ref.provider)).delete_model(ref.model)
        self._renewed(ref.provider)

    def _renewed(self, provider: str) -> None:
        self._parts.router.targets.take_back(provider)
        self._changed(Topic.PROVIDERS)

    async def _store(self, provider: str) -> ModelStore:
        facts = self._facts(provider)
        adapter = await self._parts.adapters.get(provider)
        if not hasattr(adapter, "pull_model"):
            raise UsageError(f"{provider} (kind {facts.kind}) does not manage models; a provider of kind ollama does.")
        return cast("ModelStore", adapter)

    def _facts(self, provider: str) -> ProviderFacts:
        if provider not in self._parts.providers:
            raise UsageError(f"No provider '{provider}'. There are: {', '.join(self._parts.providers)}.")
        return self._parts.providers[provider]
