"""Picking a prompt of the library: letters narrow the list, what is marked is shown whole below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from llmdesk.core.text import one_line
from llmdesk.tui.completion import ranked
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.pick_list import PickList, PickRow
from llmdesk.tui.widgets.search_input import SearchInput
from llmdesk.tui.widgets.wait_line import Offer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from llmdesk.tui.prompts import SavedPrompt

PREVIEW_LINES = 40
"""Lines of a prompt that are handed to the preview; the screen is never higher."""


class PromptPicker(ModalScreen[str | None]):
    """Asks for a prompt; gives its name, or ``None``.

    Args:
        prompts: the library.
        folder: where it is, for those who have none yet.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", show=False, priority=True),
        Binding("enter,tab", "take", "Put it into the prompt", show=False, priority=True),
        Binding("up", "step(-1)", "Up", show=False, priority=True),
        Binding("down", "step(1)", "Down", show=False, priority=True),
        Binding("pageup", "step(-6)", "Up", show=False, priority=True),
        Binding("pagedown", "step(6)", "Down", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    PromptPicker { align: center middle; }
    PromptPicker > Vertical { width: 90; max-width: 100%; height: 80%; padding: 0 1;
                              border: round $primary; background: $surface; }
    PromptPicker PickList { max-height: 40%; }
    PromptPicker SearchInput { background: $surface; }
    PromptPicker Static { height: 1fr; width: 1fr; margin: 1 0 0 0; padding: 0 1; border-left: solid $panel; }
    """

    def __init__(self, prompts: Sequence[SavedPrompt], folder: Path) -> None:
        super().__init__()
        self._prompts = {prompt.name: prompt for prompt in prompts}
        self._folder = folder
        self._gone = False

    def compose(self) -> ComposeResult:
        """What is typed, what fits, what the marked one says, what the keys do."""
        with Vertical() as box:
            box.border_title = "prompts"
            yield SearchInput(placeholder="letters narrow the list")
            yield PickList(self._rows(""))
            yield Static(markup=False)
            yield ActionLine(
                (Offer(label="enter puts it into the prompt", action="take"), Offer(label="Esc close", action="leave"))
            )

    def on_mount(self) -> None:
        """The letters narrow."""
        self.query_one(SearchInput).focus()
        self._preview()

    def _rows(self, letters: str) -> list[PickRow]:
        named = {f"{prompt.name} {prompt.description}": prompt for prompt in self._prompts.values()}
        names = ranked(letters, self._prompts)
        found = [self._prompts[name] for name in names]
        found += [prompt for prompt in (named[text] for text in ranked(letters, named)) if prompt.name not in names]
        rows = [
            PickRow(key=prompt.name, name=one_line(prompt.name, 40), note=prompt.problem or prompt.description)
            for prompt in found
        ]
        nothing = (
            "no prompt is called so" if self._prompts else f"no prompt yet: a file NAME.md in {self._folder} is one"
        )
        return rows or [PickRow(name=nothing)]

    def _preview(self) -> None:
        prompt = self._prompts.get(self.query_one(PickList).key)
        preview = self.query_one(Static)
        if prompt is None:
            preview.update("" if self._prompts else "/prompt save NAME keeps the last prompt you sent.")
        elif prompt.problem:
            preview.update(Content.styled(f"{one_line(prompt.name)}.md {prompt.problem}", "$warning"))
        else:
            preview.update("\n".join(prompt.text.splitlines()[:PREVIEW_LINES]))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.query_one(PickList).show_rows(self._rows(event.value.strip()), marked="")
        self._preview()

    @on(PickList.Chosen)
    def _clicked(self, event: PickList.Chosen) -> None:
        self._go(event.key)

    @on(ActionLine.Chosen)
    async def _offer_clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)

    def action_step(self, by: int) -> None:
        """Mark another one."""
        self.query_one(PickList).step(by)
        self._preview()

    def action_take(self) -> None:
        """Take the marked one; one that cannot be used is only shown."""
        name = self.query_one(PickList).key
        if name and not self._prompts[name].problem:
            self._go(name)

    def action_leave(self) -> None:
        """Change nothing."""
        self._go(None)

    def _go(self, name: str | None) -> None:
        """Close with a choice, once: keys that come late change nothing."""
        if not self._gone and (name is None or not self._prompts[name].problem):
            self._gone = True
            self.dismiss(name)
