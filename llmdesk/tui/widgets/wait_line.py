"""The line above the prompt that says what is waited for and until when, and offers the ways out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from llmdesk.core.text import one_line
from llmdesk.core.values import dataclass
from llmdesk.tui.hints import keymap_of, with_key
from llmdesk.tui.words import countdown

if TYPE_CHECKING:
    from textual import events
    from textual.geometry import Size
    from textual.timer import Timer


HIGH_ENOUGH = 18
"""Rows a screen has from which more than the question itself is shown."""

FACT_WIDTH = 9
"""Columns of the name of a fact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A way out: the words shown, and the action of the screen behind them.

    ``does`` is the id of the action whose key is shown before the words; empty = the label is all there is to show.
    """

    label: str
    action: str
    does: str = ""

    def told(self, app: object) -> str:
        """What is shown in an app, with the key as it is bound there."""
        return with_key(keymap_of(app), self.does, self.label) if self.does else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What is waited for.

    ``until_s`` counts down and ``since_s`` counts up (seconds of ``time.monotonic``); ``None`` = no figure is shown.
    ``urgent`` = the user has to decide something; ``facts`` are what it is decided by, named, shown below the question
    where the screen is high enough.
    """

    text: str
    until_s: float | None = None
    since_s: float | None = None
    offers: tuple[Offer, ...] = ()
    urgent: bool = False
    facts: tuple[tuple[str, str], ...] = ()


def _fact(name: str, told: str, width: int) -> list[Content]:
    """A named fact, of two rows at most."""
    room = max(width - FACT_WIDTH, 8)
    rows = Content(one_line(told, 2 * room)).wrap(room)[:2]
    return [
        Content.assemble((f"  {name if at == 0 else '':<{FACT_WIDTH - 2}}", "$muted"), row)
        for at, row in enumerate(rows)
    ]


class WaitLine(Widget):
    """Shows one ``Wait``; hidden without one. It ticks once a second while a figure is shown, and never otherwise."""

    @dataclass
    class Chosen(Message):
        """An offer was clicked."""

        action: str

    class Elapsed(Message):
        """The countdown has reached zero."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.wait: Wait | None = None
        self.display = False
        self._timer: Timer | None = None
        self._spans: list[tuple[int, int, int, str]] = []

    @property
    def elapsed(self) -> bool:
        """A countdown is shown, and it has reached zero."""
        return self.wait is not None and self.wait.until_s is not None and self.wait.until_s <= time.monotonic()

    def show_wait(self, wait: Wait | None) -> None:
        """Show this wait, or nothing."""
        if wait is None and self.wait is None:
            return
        self.wait = wait
        self.display = wait is not None
        self.set_class(wait is not None and wait.urgent, "-urgent")
        ticking = wait is not None and (wait.until_s is not None or wait.since_s is not None)
        if ticking and self._timer is None:
            self._timer = self.set_interval(1, self._tick)
        elif not ticking and self._timer is not None:
            self._timer.stop()
            self._timer = None
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row, or more where the offers do not fit beside the text."""
        return len(self._rows(width))

    def render(self) -> Content:
        """Draw the text and the offers."""
        return Content("\n").join(self._rows(self.size.width))

    def on_click(self, event: events.Click) -> None:
        """Choose the offer under the pointer."""
        for row, start, end, action in self._spans:
            if row == event.y and start <= event.x < end:
                self.post_message(self.Chosen(action))

    def _rows(self, width: int) -> list[Content]:
        if self.wait is None:
            return [Content("")]
        text = Content.styled(self._text(self.wait), "bold $text" if self.wait.urgent else "$warning")
        high = self.screen.size.height >= HIGH_ENOUGH
        # A question is always read to its end, and until when something is waited for stands at the end of it.
        whole = self.wait.urgent or (high and self.wait.until_s is not None)
        rows = list(text.wrap(max(width, 1))) if whole else [text.truncate(max(width, 1), ellipsis=True)]
        if self.wait.facts and high:
            rows += [row for name, told in self.wait.facts for row in _fact(name, told, width)] + [Content("")]
        self._spans = []
        column = rows[-1].cell_length
        for offer in self.wait.offers:
            label = f"[{offer.told(self.app)}]"
            if column + 1 + len(label) > width and column:
                rows.append(Content(""))
                column = 0
            gap = "  " if column else ""
            self._spans.append((len(rows) - 1, column + len(gap), column + len(gap) + len(label), offer.action))
            rows[-1] = Content.assemble(rows[-1], gap, (label, "bold $accent"))
            column = rows[-1].cell_length
        return rows

    def _text(self, wait: Wait) -> str:
        text = one_line(wait.text)
        if wait.until_s is not None:
            return f"{text} {countdown(wait.until_s - time.monotonic())}"
        if wait.since_s is not None:
            passed_s = time.monotonic() - wait.since_s
            return f"{text} {int(passed_s)} s" if passed_s >= 1 else text
        return text

    def _tick(self) -> None:
        if self.elapsed:
            if self._timer is not None:
                self._timer.stop()
                self._timer = None
            self.post_message(self.Elapsed())
        self.refresh()
