"""The provider panel over the whole screen, with a live check."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.views import ProviderState, Topic
from llmdesk.tui.screens.list_panel import ListPanel, Row
from llmdesk.tui.widgets.provider_panel import MARKS, quota_words, state_words
from llmdesk.tui.words import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.timer import Timer

    from llmdesk.core.views import ProviderStatus


class ProvidersScreen(ListPanel):
    """Every provider, how it is, and since when it is left alone."""

    panel: ClassVar = "providers"
    heading: ClassVar[str] = "providers"
    columns: ClassVar[tuple[str, ...]] = ("", "provider", "kind", "state", "ms", "models", "plan", "address", "message")
    elastic: ClassVar[tuple[str, ...]] = ("provider", "address", "message")
    last: ClassVar[tuple[str, ...]] = ("plan",)
    spare: ClassVar[tuple[str, ...]] = ("address", "kind", "models")
    keys: ClassVar = (
        ("providers_check", "call all now"),
        ("providers_probe", "probe one"),
        "enter show",
        ("filter", "filter"),
    )
    chips: ClassVar[tuple[str, ...]] = ("kind", "state")
    live: ClassVar[frozenset[Topic]] = frozenset({Topic.PROVIDERS, Topic.COOLDOWNS, Topic.REQUESTS, Topic.SETTINGS})

    def __init__(self) -> None:
        super().__init__()
        self._statuses: Sequence[ProviderStatus] = ()
        self._read_at = 0.0
        self._timer: Timer | None = None

    async def read(self) -> None:
        """Show what is known; no network."""
        desk = await self.desk()
        self._show(desk.providers())

    def action_check(self) -> None:
        """Call every provider now."""
        self.say("Calling every provider…")
        self.follow(self._check, exclusive=True, group="check")

    async def _check(self) -> None:
        desk = await self.desk()
        self._show(await desk.check_providers())

    def told(self, key: str) -> str:
        """The whole message, and how much of its plan is used."""
        marked = next((status for status in self._statuses if status.provider == key), None)
        if marked is None:
            return ""
        return "; ".join(filter(None, (*map(quota_words, marked.quotas), marked.message)))

    def action_probe(self) -> None:
        """Call the marked provider even if it rests; it rests no longer if it is well."""
        name = self.chosen
        if name is not None:
            self.say(f"Calling {name}…")
            self.follow(partial(self._probe, name), exclusive=True, group="check")

    async def _probe(self, name: str) -> None:
        desk = await self.desk()
        status = await desk.probe_provider(name)
        self._show(desk.providers())
        if status.state is ProviderState.OK:
            self.say(f"{name} is well; it may be asked again.")
        else:
            self.say(status.message or f"{name}: {status.state.value}", severity="warning")

    async def detail(self, key: str) -> Content:
        """Everything known of one provider."""
        status = next((status for status in self._statuses if status.provider == key), None)
        if status is None:
            raise UsageError(f"Provider {key} is not configured any more.")
        facts = {
            "provider": status.provider,
            "kind": status.kind,
            "state": status.state.value,
            "address": status.base_url,
            "latency": f"{status.latency_ms} ms" if status.latency_ms is not None else "",
            "models": str(status.models) if status.models is not None else "",
            "key": {True: "tried", False: "not tried", None: ""}[status.key_tried],
            **{f"plan{'' if not at else f' {at + 1}'}": quota_words(quota) for at, quota in enumerate(status.quotas)},
            "cooldown until": clock(status.cooldown_until) if status.cooldown_until is not None else "",
            "message": status.message,
        }
        lines = [Content.assemble((f"{name:<16}", "$muted"), one_line(text)) for name, text in facts.items() if text]
        return Content("\n").join(lines)

    def _show(self, statuses: Sequence[ProviderStatus]) -> None:
        self._statuses, self._read_at = statuses, time.monotonic()
        cooling = any(status.state is ProviderState.COOLING for status in statuses)
        if cooling and self._timer is None:
            self._timer = self.set_interval(1, self._tick)
        elif not cooling and self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._draw()

    def _tick(self) -> None:
        passed_s = time.monotonic() - self._read_at
        if any((status.cooldown_left_s or passed_s + 1) <= passed_s for status in self._statuses):
            self.action_reload()
        self._draw()

    def _draw(self) -> None:
        passed_s = time.monotonic() - self._read_at
        self.show_rows([_row(status, passed_s) for status in self._statuses])


def _row(status: ProviderStatus, passed_s: float) -> Row:
    left_s = None if status.cooldown_left_s is None else status.cooldown_left_s - passed_s
    known = state_words(status, left_s) if status.state is ProviderState.COOLING else status.state.value
    latency = "" if status.latency_ms is None else str(status.latency_ms)
    models = "" if status.models is None else str(status.models)
    return Row(
        key=status.provider,
        cells=(
            MARKS[status.state][0],
            status.provider,
            status.kind,
            known,
            latency,
            models,
            "; ".join(quota_words(quota) for quota in status.quotas),
            status.base_url,
            status.message,
        ),
        facets={
            "provider": status.provider,
            "kind": status.kind,
            "state": status.state.value.replace(" ", "-"),
        },
    )
