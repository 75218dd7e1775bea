"""The providers at a glance, with cooldowns that count down; it ticks only while one cools."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message

from llmdesk.core.text import one_line
from llmdesk.core.views import ProviderState
from llmdesk.tui.bars import bar
from llmdesk.tui.spans import moment
from llmdesk.tui.widgets.rule import rule
from llmdesk.tui.widgets.sidebar import SidePanel
from llmdesk.tui.words import countdown, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.timer import Timer

    from llmdesk.core.views import ProviderStatus, Quota

LEAST_NAME = 6
"""Columns a provider's name has at least."""

QUOTAS_SHOWN = 2
"""Gauges of one plan; the whole screen shows all of them."""

GAUGE_WIDTH = 8
"""Columns of a gauge at most."""

GAUGE_NEAR, GAUGE_FULL = 0.8, 1.0
"""The shares of a plan from which its gauge warns, and at which it is used up."""

MARKS: dict[ProviderState, tuple[str, str]] = {
    ProviderState.OK: ("●", "$success"),
    ProviderState.COOLING: ("◔", "$warning"),
    ProviderState.NO_KEY: ("○", "$muted"),
    ProviderState.DOWN: ("✗", "$error"),
    ProviderState.ATTENTION: ("✗", "$error"),
    ProviderState.UNKNOWN: ("·", "$muted"),
}
"""The sign and colour of each state."""


def state_words(status: ProviderStatus, left_s: float | None) -> str:
    """Say in a few words how a provider is; ``left_s`` = seconds of cooldown left."""
    match status.state:
        case ProviderState.COOLING:
            return f"cooldown {countdown(left_s)}" if left_s is not None else "cooldown"
        case ProviderState.OK:
            if status.latency_ms is not None and status.latency_ms >= 100:
                return f"{status.latency_ms} ms"
            if status.models is not None:
                return f"{status.models} model{'' if status.models == 1 else 's'}"
            return f"{status.latency_ms} ms" if status.latency_ms is not None else "ok"
        case ProviderState.UNKNOWN:
            return "not checked" if status.message else "not asked yet"
        case ProviderState.NO_KEY | ProviderState.DOWN | ProviderState.ATTENTION:
            return status.state.value


class ProviderPanel(SidePanel):
    """The providers of the sidebar."""

    opens: ClassVar = "providers"

    class CooldownOver(Message):
        """A cooldown has run out; the states should be read again."""

    class Resting(Message):
        """Who rests, and for how long, has changed; ``text`` is one short line, empty = nobody."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, known=True)
        self._statuses: Sequence[ProviderStatus] = ()
        self._ends: dict[str, float] = {}
        self._timer: Timer | None = None

    def show_providers(self, statuses: Sequence[ProviderStatus]) -> None:
        """Show these states; the seconds left of a cooldown are counted from now."""
        if tuple(statuses) == tuple(self._statuses) and not self._ends:
            return
        now = time.monotonic()
        self._statuses = statuses
        self._ends = {
            status.provider: now + status.cooldown_left_s
            for status in statuses
            if status.state is ProviderState.COOLING and status.cooldown_left_s is not None
        }
        self._set_ticking(bool(self._ends))
        self._tell()
        self.changed()

    def render(self) -> Content:
        """Draw the panel."""
        width = max(self.size.width, 8)
        lines = [rule("providers", width)]
        if not self._statuses:
            lines.append(Content.styled("…", "$muted"))
        now = time.monotonic()
        for status in self._statuses:
            mark, style = MARKS[status.state]
            end = self._ends.get(status.provider)
            words = state_words(status, None if end is None else end - now)
            if self.narrow:
                words = words.removeprefix("cooldown ")
            # The words are what changes, so they are whole, and the name has the rest.
            name = shortened(one_line(status.provider), max(width - len(words) - 3, LEAST_NAME))
            gap = " " * max(width - len(words) - cell_len(name) - 2, 1)
            lines.append(Content.assemble((mark, style), f" {name}{gap}", (words, "$muted")))
            lines += [_gauge(quota, width) for quota in status.quotas[:QUOTAS_SHOWN]]
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)

    def _set_ticking(self, needed: bool) -> None:
        if needed and self._timer is None:
            self._timer = self.set_interval(1, self._tick)
        elif not needed and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _tick(self) -> None:
        if any(end <= time.monotonic() for end in self._ends.values()):
            self._ends = {}
            self._set_ticking(False)
            self.post_message(self.CooldownOver())
        self._tell()
        self.refresh()

    def _tell(self) -> None:
        """Let whoever has room for one line say it, where this panel is folded away."""
        now = time.monotonic()
        mark, _ = MARKS[ProviderState.COOLING]
        each = [f"{mark} {one_line(name, 12)} {countdown(end - now)}" for name, end in self._ends.items()]
        self.post_message(self.Resting("  ".join(each)))


LEAST_BAR = 4
"""Columns of a bar below which its name is shortened."""


def quota_words(quota: Quota) -> str:
    """How much of a plan is used, and when it begins anew: ``monthly ▓▓░░ 42 %, resets 1 Dec``."""
    resets = f", resets {moment(quota.resets_at, time.time())}" if quota.resets_at is not None else ""
    return f"{one_line(quota.name, 24)} {_gauge_bar(quota, 4).plain} {_percent(quota)} %{resets}"


def _gauge(quota: Quota, width: int) -> Content:
    """One line of the panel: when it begins anew gives way first, then the name, then the bar."""
    resets = f" {moment(quota.resets_at, time.time())}" if quota.resets_at is not None else ""
    name, used = one_line(quota.name), f" {_percent(quota)} %"
    tail = used + resets if cell_len(name) + len(used + resets) + 3 + LEAST_BAR <= width else used
    name = shortened(name, max(width - len(tail) - 3 - LEAST_BAR, 3))
    room = max(min(width - len(tail) - cell_len(name) - 3, GAUGE_WIDTH), 2)
    return Content.assemble((f"  {name} ", "$muted"), _gauge_bar(quota, room), (tail, "$muted"))


def _gauge_bar(quota: Quota, width: int) -> Content:
    style = "$error" if quota.used >= GAUGE_FULL else "$warning" if quota.used >= GAUGE_NEAR else "$success"
    return bar(quota.used, width, style=style)


def _percent(quota: Quota) -> int:
    return int(100 * max(quota.used, 0.0) + 1e-9)
