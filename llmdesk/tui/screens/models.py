"""Models: what each provider offers, what is in memory; fetch with progress, copy, delete."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.content import Content
from textual.widgets import Input, Static

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line, sanitise
from llmdesk.core.types import ModelRef
from llmdesk.tui.beside import beside
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.screens.list_panel import ListPanel, Row
from llmdesk.tui.words import size

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from textual.binding import BindingType
    from textual.widget import Widget

    from llmdesk.core.views import ModelRow
    from llmdesk.providers.base import RunningModel

BILLION = 1e9


class ModelsScreen(ListPanel):
    """Every model that can be asked."""

    panel: ClassVar = "models"
    heading: ClassVar[str] = "models"
    columns: ClassVar[tuple[str, ...]] = ("provider", "model", "size", "parameters", "context", "in memory", "can")
    elastic: ClassVar[tuple[str, ...]] = ("model", "can")
    nothing: ClassVar[str] = "No provider lists a model. p fetches one, for example local/gemma3:4b."
    keys: ClassVar[tuple[str, ...]] = ("enter show", "p fetch", "y copy", "x delete", "/ filter")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("models")]
    DEFAULT_CSS = """
    ModelsScreen #name { margin: 0 1; }
    ModelsScreen #progress { height: 1; padding: 0 1; color: $warning; }
    """

    def __init__(self, *, below: str) -> None:
        super().__init__(below=below)
        self._take: Callable[[str], Coroutine[None, None, None]] | None = None
        self._deleting: str | None = None

    def body(self) -> Iterable[Widget]:
        """The table, a line to type a name, a line of progress."""
        yield from super().body()
        yield Input(id="name", classes="away", compact=True, select_on_focus=False)
        yield Static(id="progress", classes="away", markup=False)

    async def read(self) -> None:
        """Ask every provider that can be asked."""
        desk = await self.desk()
        rows = await desk.models()
        running = {(provider, model.name): model for provider, model in await desk.running_models()}
        self.show_rows([_row(row, running.get((row.provider, row.model.name))) for row in rows])

    async def detail(self, key: str) -> Content:
        """What the server tells about the model."""
        desk = await self.desk()
        told = await desk.show_model(ModelRef.parse(key))
        return Content(sanitise(json.dumps(told, indent=2, ensure_ascii=False, default=str)))

    def action_pull(self) -> None:
        """Ask which model to fetch."""
        self._ask_name("provider/model to fetch, for example local/gemma3:4b", "local/", self._pull)

    def action_copy(self) -> None:
        """Ask for the new name."""
        if self.marked is not None:
            source = ModelRef.parse(self.marked)
            self._ask_name(f"new name for {source}", source.model, lambda name: self._copy(source, name))

    async def action_delete(self) -> None:
        """Delete from disk, when asked twice."""
        key = self.marked
        if key is None:
            return
        if self._deleting != key:
            self._deleting = key
            self.say(f"{key} will be gone from disk. Press x again to delete it.", severity="warning")
            return
        self._deleting = None
        await self._change(f"Deleted {key}.", (await self.desk()).delete_model(ModelRef.parse(key)))

    def _ask_name(self, question: str, value: str, take: Callable[[str], Coroutine[None, None, None]]) -> None:
        self._take = take
        field = self.query_one("#name", Input)
        field.placeholder, field.value = one_line(question), value
        field.remove_class("away")
        field.cursor_position = len(field.value)
        field.focus()

    @on(Input.Submitted, "#name")
    def _name_given(self, event: Input.Submitted) -> None:
        take, self._take = self._take, None
        self._put_name_away()
        if take is not None and event.value.strip():
            beside(self, partial(take, event.value.strip()))

    def _put_name_away(self) -> None:
        self.query_one("#name").add_class("away")
        self.table.focus()

    def action_close_panel(self) -> None:
        """Close the line for a name, else as every list does."""
        if not self.query_one("#name").has_class("away"):
            self._take = None
            self._put_name_away()
        else:
            super().action_close_panel()

    async def _copy(self, source: ModelRef, name: str) -> None:
        await self._change(f"Copied to {name}.", (await self.desk()).copy_model(source, name))

    async def _change(self, done: str, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except DeskError as error:
            self.say(str(error), severity="error")
        else:
            self.say(done)
        self.action_reload()

    async def _pull(self, name: str) -> None:
        progress = self.query_one("#progress", Static)
        try:
            ref = ModelRef.parse(name)
            desk = await self.desk()
            progress.remove_class("away")
            async for step in desk.pull_model(ref):
                share = ""
                if step.total and step.completed is not None:
                    share = f" {100 * step.completed // step.total} % of {size(step.total)}"
                progress.update(Content(one_line(f"{ref}: {step.status}{share}")))
        except DeskError as error:
            self.say(str(error), severity="error")
        else:
            self.say(f"{ref} is here.")
        progress.add_class("away")
        self.action_reload()


def _row(row: ModelRow, running: RunningModel | None) -> Row:
    model = row.model
    parameters = f"{model.parameters / BILLION:.1f} B" if model.parameters else ""
    context = str(model.context_tokens) if model.context_tokens else ""
    disk = size(model.size_bytes) if model.size_bytes else ""
    memory = size(running.size_bytes) if running is not None else ""
    return Row(
        key=f"{row.provider}/{model.name}",
        cells=(row.provider, model.name, disk, parameters, context, memory,
               " ".join(sorted(model.capabilities))),
        facets={"provider": row.provider, "can": " ".join(model.capabilities)},
    )  # fmt: skip
