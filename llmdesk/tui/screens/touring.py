"""The tour on the chat screen: begun by its user only, ended by Esc, and remembered nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.tui.hints import key_name
from llmdesk.tui.screens.lanes import LanedScreen
from llmdesk.tui.widgets.lanes_bar import LanesBar
from llmdesk.tui.widgets.wait_line import Offer

if TYPE_CHECKING:
    from llmdesk.tui.tour import Done
    from llmdesk.tui.widgets.tour_card import TourCard


class TouringScreen(LanedScreen):
    """A screen that can show its user around."""

    def __init__(self, *, lane: str) -> None:
        super().__init__(lane=lane)
        self._tour: TourCard | None = None
        self._tour_at = 0
        self._tour_lane = ""

    @property
    def touring(self) -> bool:
        """The tour is on the screen."""
        return self._tour is not None

    async def action_tour(self) -> None:
        """Begin the tour; again: its next step."""
        if self._tour is not None:
            self.action_tour_step(1)
            return
        from llmdesk.tui.widgets.tour_card import TourCard

        self._tour, self._tour_at = TourCard(), 0
        await self.mount(self._tour, before=self.query_one(LanesBar))
        self._show_step()

    def action_tour_step(self, by: int) -> None:
        """Go to another step; beyond the last one the tour is over."""
        from llmdesk.tui.tour import STEPS

        if self._tour is None:
            return
        self._tour_at = max(self._tour_at + by, 0)
        if self._tour_at >= len(STEPS):
            self.action_tour_end()
        else:
            self._show_step()

    def action_tour_end(self) -> None:
        """Take the card away."""
        if self._tour is not None:
            self._tour.remove()
            self._tour = None

    def tour_seen(self, done: Done) -> None:
        """The user has done something; if the tour waits for it, it goes on."""
        from llmdesk.tui.tour import STEPS

        if self._tour is not None and STEPS[self._tour_at].done == done:
            self.action_tour_step(1)

    def show_talk(self) -> None:
        """Notice what was done."""
        super().show_talk()
        if self._tour is None:
            return
        if self.talk.busy:
            self.tour_seen("asked")
        if self.talk.lane != self._tour_lane:
            self.tour_seen("lane")
        if self.talk.pane.transcript.chosen is not None:
            self.tour_seen("marked")

    def on_screen_suspend(self) -> None:
        """Something else is on top now: a panel, or the palette."""
        if self._tour is None:
            return
        from textual.command import CommandPalette

        from llmdesk.tui.screens.panel import PanelScreen

        top = self.app.screen
        if isinstance(top, CommandPalette):
            self.tour_seen("palette")
        elif isinstance(top, PanelScreen):
            self.tour_seen("panel")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of the tour are the prompt's while there is none."""
        if action in ("tour_step", "tour_end"):
            return self.touring
        return super().check_action(action, parameters)

    def action_cancel(self) -> None:
        """End the tour, unless there is something nearer to be ended."""
        pane = self.talk.pane
        if self.touring and pane.search is None and not pane.prompt.completing and not self.talk.busy:
            self.action_tour_end()
        else:
            super().action_cancel()

    def _show_step(self) -> None:
        from llmdesk.tui.tour import STEPS, words

        assert self._tour is not None
        self._tour_lane = self.talk.lane
        step, keymap = STEPS[self._tour_at], self.house.keymap
        last = self._tour_at == len(STEPS) - 1
        offers = [Offer(label=f"{key_name(keymap, 'tour_next')} {'done' if last else 'next'}", action="tour_step(1)")]
        if self._tour_at:
            offers.append(Offer(label=f"{key_name(keymap, 'tour_previous')} back", action="tour_step(-1)"))
        offers.append(Offer(label="Esc end", action="tour_end"))
        self._tour.show_step(f"{self._tour_at + 1}/{len(STEPS)} {step.title}", words(step, keymap), offers)
