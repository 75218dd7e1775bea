"""A screen that is laid out and painted once for each size of its window, where Textual does it two or three times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.tui.screens.base import DeskScreen

if TYPE_CHECKING:
    from textual import events
    from textual.geometry import Size


class SparingScreen(DeskScreen):
    """A screen that does nothing twice for its window."""

    def __init__(self) -> None:
        super().__init__()
        self._told: Size | None = None
        """The window everything was last laid out for."""
        self._painted = False

    def on_resize(self, event: events.Resize) -> None:
        """Lay nothing out anew for a size that is told again, as Textual 8.2.8 does after each change."""
        if event.size == self._told:
            event.prevent_default()
        elif self._painted and event.size != self.outer_size and self.app.screen is self:
            self.call_next(self._painted_whole)
        self._told = event.size

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        """Lay out once where Textual 8.2.8 does it twice: what got another size asks for one more layout by that.

        Nothing comes of it for a widget that holds no others and does not scroll, and a new size is painted anyway.
        """
        asked = {each for each in self._compositor.visible_widgets if each._layout_required or each._repaint_required}  # noqa: SLF001
        super()._refresh_layout(size, scroll)
        if not self.is_active or self.app._batch_count:  # noqa: SLF001
            return
        for each in self._compositor.visible_widgets.keys() - asked:
            if each._layout_required and not each.is_scrollable and not each.children:  # noqa: SLF001
                each._layout_required = each._repaint_required = False  # noqa: SLF001
                each._exchange_repaint_regions()  # noqa: SLF001

    def on_screen_resume(self) -> None:
        """The first picture is being made."""
        if not self._painted:
            self.call_next(self._painted_whole)

    def _painted_whole(self) -> None:
        """The picture of a new size was a whole one: whoever asked to be painted before it, or for it, has been.

        Textual 8.2.8 marks whatever it lays out as to be painted, and the screen once more for itself.
        """
        if self.outer_size != self.app.size:
            return
        self._painted = True
        self._repaint_required = False
        for widget in self._compositor.visible_widgets:
            widget._exchange_repaint_regions()  # noqa: SLF001
