"""What is known of targets without asking them: who rests, who is out for this run, which models are listed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.errors import ErrorKind, ProviderError
from llmdesk.core.lanes import LARGEST
from llmdesk.core.model_names import is_cloud_name, same_model
from llmdesk.core.policy import DECISIONS, Block, ProviderRules
from llmdesk.core.text import redact
from llmdesk.router.pacing import Pacer
from llmdesk.router.words import with_next_try

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from llmdesk.core.budget import Budget, Claim, Grant, Refusal
    from llmdesk.core.cooldown import Cooldown
    from llmdesk.core.lanes import SmallPrompt
    from llmdesk.core.prices import Price
    from llmdesk.core.types import ModelInfo, ModelRef
    from llmdesk.providers.base import Provider

MODEL_LIST_AGE_S = 30.0
"""How long a local server's model list is believed without asking again, seconds."""


Resting = Mapping[str, "tuple[Cooldown, float]"]
"""The running cooldowns by provider, each with how long it lasts, seconds."""


class Cooldowns(Protocol):
    """The cooldown file as the router needs it; ``cool`` returns only when the deadline is on disk."""

    def resting(self) -> Resting:
        """The running cooldowns by provider, each with how long it lasts, seconds; one look for all of them."""
        ...

    def remaining_s(self, provider: str) -> float:
        """How long it lasts, seconds; 0 = not cooling."""
        ...

    def cool(self, provider: str, reason: str, message: str, duration_s: float) -> Cooldown:
        """Start or prolong a cooldown."""
        ...


class Prices(Protocol):
    """What models cost, as the router needs to know it."""

    def begin(self, ref: ModelRef) -> None:
        """Begin to find out what ``ref`` costs, without waiting."""
        ...

    async def ready(self, ref: ModelRef, *, served: str = "") -> None:
        """Wait until all that can be known is known, of an answer under the name ``served`` too."""
        ...

    def price(self, ref: ModelRef, *, served: str = "", input_tokens: int = 0) -> Price | None:
        """What a call costs; ``None`` = unknown."""
        ...


class Purse(Protocol):
    """The budgets, as the router needs them."""

    @property
    def budgets(self) -> Sequence[Budget]:
        """All of them."""
        ...

    async def reserve(self, claim: Claim) -> Grant | Refusal:
        """Set aside what an attempt may cost, before it is made; its booking settles it."""
        ...


class Targets:
    """The providers as one run of the program knows them.

    Args:
        adapter: gives the adapter of a provider, made on first use; raises ``ProviderError`` if that is impossible.
        rules: what to know of each provider.
        cooldowns: the shared deadlines.
        prices: what models cost.
        purse: the budgets; ``None`` = there are none.
        windows: context sizes the configuration states, tokens, by ``provider/model``.
        memory_bytes: this machine's memory, ``None`` = unknown.
        local_only: let nothing leave loopback.
        small_prompt: where small prompts go first; ``None`` = no such rule.
        clock: UTC epoch seconds.
        elapsed: a clock for durations, seconds.
    """

    def __init__(
        self,
        *,
        adapter: Callable[[str], Awaitable[Provider]],
        rules: Mapping[str, ProviderRules],
        cooldowns: Cooldowns,
        prices: Prices,
        purse: Purse | None = None,
        windows: Mapping[str, int] | None = None,
        memory_bytes: int | None = None,
        local_only: bool = False,
        small_prompt: SmallPrompt | None = None,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.adapter = adapter
        self.cooldowns = cooldowns
        self.prices = prices
        self.purse = purse
        self.windows = windows or {}
        self.memory_bytes = memory_bytes
        self.clock = clock
        self.elapsed = elapsed
        self._rules = rules
        self.local_only = local_only
        self.small_prompt = small_prompt
        self._pacers: dict[str, Pacer] = {}
        self._out: dict[str, tuple[str, str]] = {}
        self._told: set[str] = set()
        self._lists: dict[str, tuple[float, tuple[ModelInfo, ...]]] = {}
        self._answered: dict[ModelRef, float] = {}

    def rules(self, ref: ModelRef) -> ProviderRules:
        """The rules of a target's provider; those of an unknown one say that it cannot be called."""
        return self._rules.get(ref.provider) or ProviderRules(
            name=ref.provider, kind="", disabled=f"{ref.provider}: no such provider is configured."
        )

    # --- who is not asked ---

    def skip_reason(self, ref: ModelRef, *, probe: bool = False, resting: Resting | None = None) -> tuple[str, str]:
        """Why a target would not be asked now: ``(reason, one line)``; both empty = it would be.

        Args:
            ref: the target.
            probe: the user ordered to ask even a resting provider, or one that was out for this run.
            resting: what a look at the cooldowns found just now; ``None`` = look.
        """
        rules = self.rules(ref)
        if rules.disabled:
            return "no key", rules.disabled
        if self.local_only and (not rules.loopback or is_cloud_name(ref.model)):
            return "privacy", f"{ref.provider}: not asked, because privacy.network is local-only."
        if probe:
            return "", ""
        for key in (ref.provider, str(ref)) if self._out else ():
            if key in self._out:
                return self._out[key]
        if found := (self.cooldowns.resting() if resting is None else resting).get(ref.provider):
            cooldown, left_s = found
            now = self.clock()
            return "cooling", with_next_try(cooldown.message or f"{ref.provider}: rate limited", now + left_s, now)
        return "", ""

    async def came_back(self, ref: ModelRef) -> bool:
        """Whether a local model that was missing is there by now; then it is no longer left out."""
        if not self.rules(ref).local_models:
            return False
        try:
            listed = await self.models(ref.provider, fresh=True)
        except ProviderError:
            return False
        if any(same_model(ref.model, model.name) for model in listed):
            self._out.pop(str(ref), None)
            return True
        return False

    def attention(self, provider: str) -> str:
        """Why a whole provider is not asked for the rest of this run; empty = it is."""
        return self._out.get(provider, ("", ""))[1]

    def leave_out(self, ref: ModelRef, error: ProviderError, message: str) -> None:
        """Remember what need not be asked again in this run, as the decision table says for ``error``."""
        reason = "attention" if error.kind is ErrorKind.AUTH else "gone"
        match DECISIONS[error.kind].block:
            case Block.NOTHING:
                return
            case Block.MODEL if error.target_specific:
                return  # an ability this request needs; the next one may not
            case Block.SCOPE if error.scope == "provider":
                self._out[ref.provider] = (reason, message)
            case Block.SCOPE | Block.MODEL if ref.model == LARGEST:
                self._lists.pop(ref.provider, None)  # the chain is made anew for every request
            case Block.SCOPE | Block.MODEL:
                if self._out.get(str(ref), ("", ""))[0] != "attention":  # only its user takes that back
                    self._out[str(ref)] = (reason, message)

    def take_back(self, provider: str) -> None:
        """Forget what was found wrong with a provider and its models: it will be asked again, for its list too."""
        for key in [k for k in self._out if k.partition("/")[0] == provider]:
            del self._out[key]
        self._lists.pop(provider, None)

    def go_on_from(self, before: Targets, providers: Iterable[str]) -> None:
        """Know what was known before of providers that are the same: who is out, which models, whose turn it is."""
        same = frozenset(providers)
        self._told |= before._told
        for mine, theirs in (
            (self._out, before._out),
            (self._lists, before._lists),
            (self._pacers, before._pacers),
        ):
            known = {key: found for key, found in theirs.items() if key.partition("/")[0] in same}
            mine.update(known)  # type: ignore[arg-type]  # each of the pairs has one type

    def first_told(self, notes: Sequence[str]) -> list[str]:
        """Those of ``notes`` that nobody was told in this run: what holds for every answer is said once."""
        new = [note for note in notes if note not in self._told]
        self._told.update(new)
        return new

    # --- who rests ---

    def cooling_until(self, provider: str) -> float | None:
        """UTC epoch seconds at which a provider's cooldown ends; ``None`` = it is not cooling."""
        left = self.cooldowns.remaining_s(provider)
        return self.clock() + left if left > 0 else None

    def earliest_recovery(self, targets: tuple[ModelRef, ...]) -> tuple[str, float] | None:
        """Which cooling provider of ``targets`` comes back first, and when (UTC epoch seconds; policy R13)."""
        ends = [(until, ref.provider) for ref in targets if (until := self.cooling_until(ref.provider)) is not None]
        return (min(ends)[1], min(ends)[0]) if ends else None

    # --- how fast they may be asked ---

    def pacer(self, ref: ModelRef) -> Pacer | None:
        """The line before a target's provider; ``None`` = it may be asked as fast as anybody likes."""
        limit = self.rules(ref).rate_limit
        if limit is None:
            return None
        if ref.provider not in self._pacers:
            self._pacers[ref.provider] = Pacer(limit, self.elapsed)
        return self._pacers[ref.provider]

    # --- which models there are --------------------------------------------------------------------------------------

    async def models(self, provider: str, *, fresh: bool = False) -> tuple[ModelInfo, ...]:
        """The model list of a provider, at most ``MODEL_LIST_AGE_S`` old; no model is called like a key of ours.

        Raises:
            ProviderError: it could not be asked.
        """
        found = self._lists.get(provider)
        if found is None or fresh or self.elapsed() - found[0] > MODEL_LIST_AGE_S:
            listed = await (await self.adapter(provider)).list_models()
            found = (self.elapsed(), tuple(model for model in listed if redact.known(model.name) == model.name))
            self._lists[provider] = found
        return found[1]

    def answered(self, ref: ModelRef) -> None:
        """A model has answered just now, so it is in memory, whatever an older list says."""
        self._answered[ref] = self.elapsed()

    def in_memory(self, ref: ModelRef, model: ModelInfo) -> bool:
        """Whether a listed model is loaded, as far as is known without asking."""
        fetched = self._lists.get(ref.provider, (0.0, ()))[0]
        return model.loaded_context_tokens is not None or self._answered.get(ref, -1.0) >= fetched

    def listed(self, ref: ModelRef) -> ModelInfo | None:
        """What is known of a model without asking: its entry in a list that was fetched before, however long ago."""
        models = self.listed_models(ref.provider)
        if not models:
            return None
        ollama = self.rules(ref).kind == "ollama"
        return next((m for m in models if m.name == ref.model or (ollama and same_model(ref.model, m.name))), None)

    def listed_models(self, provider: str) -> tuple[ModelInfo, ...]:
        """The list of a provider that was fetched last; empty = none was."""
        return self._lists.get(provider, (0.0, ()))[1]
