"""Asking for one line of text, with choices to pick from, and refusing what will not do at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from llmdesk.core.text import one_line
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.pick_list import PickList, PickRow
from llmdesk.tui.widgets.search_input import SearchInput
from llmdesk.tui.widgets.wait_line import Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType


class AskLine(ModalScreen[str | None]):
    """Asks for a text; gives it, or ``None``.

    Args:
        heading: what is asked for.
        value: what stands there at first.
        choices: texts to pick from; what is typed narrows them, and may be another one.
        check: says what is wrong with a text; empty = nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("enter", "take", "Take it", show=False, priority=True),
        Binding("up", "step(-1)", "Up", show=False, priority=True),
        Binding("down", "step(1)", "Down", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    AskLine { align: center middle; }
    AskLine > Vertical { width: 76; max-width: 100%; height: auto; max-height: 90%; padding: 0 1;
                         border: round $primary; background: $surface; }
    AskLine PickList { max-height: 12; }
    AskLine SearchInput { background: $surface; }
    AskLine #problem { height: auto; }
    """

    def __init__(
        self, heading: str, *, value: str = "", choices: Sequence[str] = (), check: Callable[[str], str] = lambda _: ""
    ) -> None:
        super().__init__()
        self._heading = heading
        self._value = value
        self._choices = tuple(choices)
        self._check = check

    def compose(self) -> ComposeResult:
        """The question, the line, what fits, what is wrong, the answers."""
        with Vertical():
            yield Static(Content.styled(one_line(self._heading), "bold"))
            field = SearchInput(placeholder="letters narrow the list" if self._choices else "")
            field.value = self._value
            yield field
            if self._choices:
                yield PickList(self._rows(self._value))
            yield Static(id="problem")
            yield ActionLine([Offer(label="enter take it", action="take"), Offer(label="Esc leave", action="leave")])

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(SearchInput).focus()

    def _rows(self, typed: str) -> list[PickRow]:
        words = typed.lower().split()
        fitting = [each for each in self._choices if all(word in each.lower() for word in words)]
        return [PickRow(key=each, name=each) for each in fitting]

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        for picks in self.query(PickList):
            picks.show_rows(self._rows(event.value))
        self._say("")

    @on(PickList.Chosen)
    def _clicked(self, event: PickList.Chosen) -> None:
        self._take(event.key)

    @on(ActionLine.Chosen)
    async def _offer_clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)

    def action_step(self, by: int) -> None:
        """Mark another choice."""
        for picks in self.query(PickList):
            picks.step(by)

    def action_take(self) -> None:
        """Take the marked choice, else what is typed."""
        marked = next((picks.key for picks in self.query(PickList)), "")
        self._take(marked or self.query_one(SearchInput).value.strip())

    def action_leave(self) -> None:
        """Give nothing."""
        self.dismiss(None)

    def _take(self, text: str) -> None:
        problem = self._check(text)
        if problem:
            self._say(problem)
        else:
            self.dismiss(text)

    def _say(self, problem: str) -> None:
        self.query_one("#problem", Static).update(Content.styled(one_line(problem), "$error"))
