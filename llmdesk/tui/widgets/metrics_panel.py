"""How one lane does at a glance: speed, the slow end of its answers, how many came, how often it had to step on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.content import Content

from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass
from llmdesk.tui.bars import sparkline
from llmdesk.tui.widgets.rule import rule
from llmdesk.tui.widgets.sidebar import SidePanel
from llmdesk.tui.words import latency, rate

if TYPE_CHECKING:
    from llmdesk.core.measures import Measures

OK_FROM = 0.9
"""The share of answered attempts below which the panel warns."""

SPARKS = 6
"""So many of the last five minutes in which anybody answered make the line of speeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What is shown of a lane: its measures, and its speed in steps of time (tokens a second, oldest first)."""

    lane: str
    measures: Measures
    speeds: tuple[float, ...] = ()


class MetricsPanel(SidePanel):
    """The measures of the lane on the screen; hidden until they are known."""

    opens: ClassVar = "metrics"
    rank: ClassVar = 3

    DEFAULT_CSS = "MetricsPanel { height: auto; width: 1fr; margin-top: 1; }"

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._pulse: Pulse | None = None

    def show_pulse(self, pulse: Pulse) -> None:
        """Show how a lane does; nothing is drawn where that is known already."""
        if pulse == self._pulse:
            return
        self._pulse = pulse
        self.known = True
        self.changed()

    def render(self) -> Content:
        """Draw the panel."""
        if self._pulse is None:
            return Content("")
        width = max(self.size.width, 8)
        title = "metrics, 1 h" if self.narrow else f"metrics ({one_line(self._pulse.lane, 10)}, 1 h)"
        lines = [rule(title, width), *_lines(self._pulse, sparks=0 if self.narrow else SPARKS)]
        return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def _lines(pulse: Pulse, *, sparks: int) -> list[Content]:
    measures = pulse.measures
    if not measures.attempts and not measures.skipped:
        return [Content.styled("no request in the last hour", "$muted")]
    first: list[str | Content | tuple[str, str]] = []
    if measures.tokens_per_s is not None:
        speeds = sparkline(pulse.speeds, sparks)
        first = [("tok/s ", "$muted"), (f"{speeds} ", "$primary") if speeds else "", rate(measures.tokens_per_s.p50)]
    if measures.response_s is not None:
        gap = ("  " if sparks else " ") if first else ""
        first += [(f"{gap}p95 ", "$muted"), latency(measures.response_s.p95)]
    second: list[str | Content | tuple[str, str]] = []
    if measures.success_rate is not None:
        style = "" if measures.success_rate >= OK_FROM else "$warning"
        second = [("ok ", "$muted"), (f"{100 * measures.success_rate:.0f} %", style)]
    if measures.failovers:
        # As many lines whatever the width: the panel is measured before it has one.
        name = "failovers" if sparks else "⤷"
        second += [(f"  {name} " if second else f"{name} ", "$muted"), str(measures.failovers)]
    if measures.skipped and not second:
        second = [(f"{measures.skipped} skipped", "$muted")]
    return [Content.assemble(*parts) for parts in (first, second) if parts]
