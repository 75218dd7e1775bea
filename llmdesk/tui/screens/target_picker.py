"""The target picker: which model is asked, for the next prompt only or in this lane from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.core.types import ModelRef
from llmdesk.core.values import dataclass
from llmdesk.tui.beside import beside
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.pick_list import PickList, PickRow
from llmdesk.tui.widgets.search_input import SearchInput
from llmdesk.tui.widgets.wait_line import Offer
from llmdesk.tui.words import clock, size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from llmdesk.core.views import ModelRow, TargetStatus

OWN = "own"
"""Key of the row that goes back to the lane's own targets; no model ref is without a slash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What was picked: ``model`` ``None`` = the lane's own targets; ``once`` = for the next prompt only."""

    model: ModelRef | None
    once: bool


class TargetPicker(ModalScreen[Picked | None]):
    """Asks for a model; gives what was picked, or ``None``.

    Args:
        targets: the lane's own, as they stand now.
        models: lists every model there is; called once the list is on the screen.
        lane: whose targets they are.
        current: what is asked now instead of them, ``None`` = they are.
        once_only: only the model is wanted, as it is for one request anyway.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,alt+t", "leave", "Close", show=False, priority=True),
        Binding("enter", "take(True)", "For the next prompt", show=False, priority=True),
        Binding("tab,shift+enter,ctrl+j", "take(False)", "In this lane", show=False, priority=True),
        Binding("alt+d", "back", "The lane's own targets", show=False, priority=True),
        Binding("up,ctrl+p", "step(-1)", "Up", show=False, priority=True),
        Binding("down,ctrl+n", "step(1)", "Down", show=False, priority=True),
        Binding("pageup", "step(-8)", "Up", show=False, priority=True),
        Binding("pagedown", "step(8)", "Down", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    TargetPicker { align: center middle; }
    TargetPicker > Vertical { width: 76; max-width: 100%; height: auto; max-height: 90%; padding: 0 1;
                              border: round $primary; background: $surface; }
    TargetPicker PickList { max-height: 16; }
    TargetPicker SearchInput { background: $surface; }
    """

    def __init__(
        self,
        targets: Sequence[TargetStatus],
        models: Callable[[], Awaitable[Sequence[ModelRow]]],
        *,
        lane: str,
        current: ModelRef | None = None,
        once_only: bool = False,
    ) -> None:
        super().__init__()
        self._targets = tuple(targets)
        self._models = models
        self._lane = lane
        self._current = current
        self._once_only = once_only
        self._known: Sequence[ModelRow] | None = None
        self._problem = ""
        self._gone = False

    def compose(self) -> ComposeResult:
        """What is typed, what fits, what the keys do."""
        with Vertical():
            yield SearchInput(placeholder="ask which model? letters narrow the list")
            yield PickList(self._rows(""))
            yield ActionLine(self._offers())

    def on_mount(self) -> None:
        """The letters narrow; the models are looked for meanwhile."""
        self.query_one(SearchInput).focus()
        beside(self, self._look)

    async def _look(self) -> None:
        try:
            self._known = await self._models()
        except DeskError as error:
            self._known, self._problem = (), str(error)
        self._draw()

    # --- the list -----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self.query_one(PickList).show_rows(self._rows(self.query_one(SearchInput).value.strip()))

    def _rows(self, letters: str) -> list[PickRow]:
        own = [PickRow(key=str(t.target), name=str(t.target), note=self._state(t)) for t in self._targets]
        there = {row.key for row in own}
        others = [
            row
            for model in self._known or ()
            if model.model.capabilities != {"embedding"} and (row := _row(model)).key not in there
        ]
        rows: list[PickRow] = []
        if found := _fitting(letters, own):
            rows += [PickRow(name=f"targets of {self._lane}"), *found]
        if self._current is not None and not self._once_only and not letters:
            rows.append(PickRow(key=OWN, name="the lane's own targets again", note="in their order"))
        if found := _fitting(letters, others):
            rows += [PickRow(name="all models"), *found]
        if self._known is None:
            rows.append(PickRow(name="looking for models…"))
        elif self._problem:
            rows.append(PickRow(name=one_line(self._problem)))
        elif letters and not rows:
            rows.append(PickRow(name="no model is called so; provider/model is asked as it is written"))
        return rows

    def _state(self, status: TargetStatus) -> str:
        said = [status.model] if status.model and status.model != status.target.model else []
        if status.target == self._current:
            said.append("asked in this lane now")
        if status.cooldown_until is not None:
            said.append(f"cooling until {clock(status.cooldown_until)}")
        elif status.skip:
            said.append(one_line(status.message or status.skip))
        return " · ".join(said)

    def _offers(self) -> list[Offer]:
        if self._once_only:
            return [Offer(label="enter ask it", action="take(True)"), Offer(label="Esc close", action="leave")]
        back = [Offer(label="alt+d the lane's own again", action="back")] if self._current is not None else []
        return [
            Offer(label="enter next prompt only", action="take(True)"),
            Offer(label="tab in this lane from now on", action="take(False)"),
            *back,
            Offer(label="Esc close", action="leave"),
        ]

    # --- what is done -------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _typed(self) -> None:
        self._draw()

    @on(SearchInput.Stepped)
    def _entered_with_shift(self) -> None:
        """What xterm sends for shift+enter; the arrow keys are taken before the line sees them."""
        self.action_take(False)

    @on(PickList.Chosen)
    def _clicked(self, event: PickList.Chosen) -> None:
        """A click marks, as there are two ways to take it; where there is one, it takes."""
        if self._once_only or event.key == OWN:
            self._take(event.key, once=True)

    @on(ActionLine.Chosen)
    async def _offer_clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)

    def action_step(self, by: int) -> None:
        """Mark another row."""
        self.query_one(PickList).step(by)

    def action_take(self, once: bool) -> None:
        """Take the marked model, or the one that is written out."""
        self._take(self.query_one(PickList).key or self.query_one(SearchInput).value.strip(), once=once)

    def action_back(self) -> None:
        """Go back to the lane's own targets."""
        if not self._once_only:
            self._go(Picked(model=None, once=False))

    def action_leave(self) -> None:
        """Change nothing."""
        self._go(None)

    def _take(self, key: str, *, once: bool) -> None:
        if key == OWN:
            self.action_back()
            return
        try:
            model = ModelRef.parse(key)
        except DeskError:
            return
        self._go(Picked(model=model, once=once or self._once_only))

    def _go(self, picked: Picked | None) -> None:
        """Close with a choice, once: keys that come late change nothing."""
        if not self._gone:
            self._gone = True
            self.dismiss(picked)


def _row(row: ModelRow) -> PickRow:
    ref = f"{row.provider}/{row.model.name}"
    told = [size(row.model.size_bytes)] if row.model.size_bytes else []
    if row.model.loaded_context_tokens is not None:
        told.append("in memory")
    return PickRow(key=ref, name=ref, note=" · ".join(told))


def _fitting(letters: str, rows: Sequence[PickRow]) -> list[PickRow]:
    """The rows that hold the letters in this order, those that hold them together first."""
    if not letters:
        return list(rows)
    from textual.fuzzy import Matcher

    matcher = Matcher("".join(letters.split()))
    scored = [(matcher.match(row.name), row) for row in rows]
    return [row for score, row in sorted(scored, key=lambda pair: -pair[0]) if score > 0]
