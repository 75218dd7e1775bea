"""What was spent, how it goes and what waits, around the chat: panels in the sidebar, and a warning on top.

Nothing here is loaded before the first paint, and nothing runs while nothing happens: it is read again when the desk
says that something changed, when another lane or the sidebar is shown, and at the moment a budget begins anew. Of a
request it is read once when it is over, and once before where there are budgets of which something is set aside.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from llmdesk.core.errors import DeskError
from llmdesk.core.measures import Measures, Selection
from llmdesk.tui.fresh import Fresh
from llmdesk.tui.widgets.budget_line import BudgetLine
from llmdesk.tui.widgets.budget_panel import BudgetPanel
from llmdesk.tui.widgets.metrics_panel import SPARKS, MetricsPanel, Pulse
from llmdesk.tui.widgets.outbox_panel import OutboxPanel
from llmdesk.tui.widgets.sidebar import Sidebar

if TYPE_CHECKING:
    from textual.timer import Timer

    from llmdesk.core.views import BudgetView
    from llmdesk.desk import Desk
    from llmdesk.tui.screens.lanes import LanedScreen

HOUR_S = 3600.0
"""How far back the metrics panel looks, seconds."""


class Figures:
    """Shows them on one screen.

    Args:
        chat: the screen; its header, sidebar and outbox are there.

    Attributes:
        budgets: as they were last read.
        line: the warning.
    """

    def __init__(self, chat: LanedScreen) -> None:
        self.budgets: tuple[BudgetView, ...] = ()
        self.line = BudgetLine()
        self._chat = chat
        self._outbox = chat.query_one(OutboxPanel)
        self._limits = BudgetPanel()
        self._metrics = MetricsPanel()
        self._fresh = Fresh(chat, self._read)
        self._lane = ""
        self._rollover: Timer | None = None
        self._told = ""

    def begin(self) -> None:
        """Read for the first time, and take their places on the screen with what was read."""
        self._fresh.again()

    def changed(self) -> None:
        """Something was spent or waits, or somebody has answered."""
        self._fresh.again()

    def lane_shown(self, lane: str) -> None:
        """Another lane may be on the screen."""
        if lane != self._lane:
            self._fresh.again()

    async def _read(self) -> None:
        desk = await self._chat.desk()
        self._lane = self._chat.talk.lane
        began = time.time()
        try:
            self.budgets = await desk.budgets()
            seen = self._chat.query_one("#sidebar").display
            waiting = len(await desk.outbox()) if seen else None
            pulse = await self._pulse(desk, self._lane) if seen else None
        except DeskError as error:
            self._say_once(str(error))
            return
        self._limits.show_budgets(self.budgets)
        if waiting is not None:
            self._outbox.show_outbox(waiting)
        if pulse is not None:
            self._metrics.show_pulse(pulse)
        await self._take_places()
        self._wait_for_rollover(began)

    async def _take_places(self) -> None:
        """Put the panels up once there is something in them, and the line with its first warning.

        Where something takes a place, all around it is laid out and painted anew.
        """
        if not self._limits.is_attached:
            sidebar = self._chat.query_one("#sidebar", Sidebar)
            await sidebar.mount(self._limits, self._metrics, after="#providers")
            sidebar.fit()
        self.line.show_warnings(self.budgets)
        if self.line.shown and not self.line.is_attached:
            await self._chat.mount(self.line, after="#header")

    async def _pulse(self, desk: Desk, lane: str) -> Pulse:
        """How a lane does."""
        hour = Selection(since=time.time() - HOUR_S, lane=lane, exact=True)
        found = await desk.measures(hour, ())
        steps = await desk.measures(hour, ("five_minutes",))
        speeds = [step.tokens_per_s.p50 for step in steps if step.tokens_per_s is not None]
        measures = found[0] if found else Measures(group={})
        return Pulse(lane=lane, measures=measures, speeds=tuple(speeds[-SPARKS:]))

    def _say_once(self, message: str) -> None:
        if message != self._told:
            self._told = message
            self._chat.say(message, severity="warning")

    def _wait_for_rollover(self, read_at: float) -> None:
        """Read again when the first budget begins anew, even if that was since ``read_at`` (UTC epoch seconds).

        One wait for it, however long, costs nothing.
        """
        if self._rollover is not None:
            self._rollover.stop()
            self._rollover = None
        ends = [view.resets_at for view in self.budgets if view.resets_at is not None and view.resets_at > read_at]
        if ends:
            left_s = max(min(ends) - time.time(), 0.0)
            self._rollover = self._chat.set_timer(left_s + 1.0, self._fresh.again)
