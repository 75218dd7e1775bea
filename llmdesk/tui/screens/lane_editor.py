"""Lanes: their targets in order and what holds for them, changed here and written only after a look at the change."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static

from llmdesk.core.errors import DeskError
from llmdesk.tui.beside import beside
from llmdesk.tui.lane_draft import (
    FAILOVER,
    RESUME,
    Known,
    edits_of,
    moved,
    name_problem,
    next_of,
    number_problem,
    target_problem,
    with_number,
    without,
)
from llmdesk.tui.screens.offering import OfferingPanel
from llmdesk.tui.widgets.fitted_table import FittedTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.widget import Widget
    from textual.widgets import DataTable

    from llmdesk.core.edits import LaneEntry


class LaneEditorScreen(OfferingPanel):
    """The lanes on the left, the marked one on the right."""

    panel: ClassVar = "lanes"
    heading: ClassVar[str] = "lanes"
    keys: ClassVar = ("↑ ↓ choose", "tab lanes or their settings")
    DEFAULT_CSS = """
    LaneEditorScreen Horizontal { height: 1fr; }
    LaneEditorScreen OptionList:focus { border: none; }
    LaneEditorScreen OptionList { width: 22; height: 1fr; border: none; background: $background; }
    LaneEditorScreen #lane { width: 1fr; height: 1fr; padding: 0 1; border-left: solid $panel; }
    LaneEditorScreen #said { height: auto; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._before: tuple[LaneEntry, ...] = ()
        self._lanes: list[LaneEntry] = []
        self._known = Known(providers=(), models={}, lanes=())
        self._leaving = False

    def content(self) -> Iterable[Widget]:
        """Lanes, the marked lane, what is to be said."""
        table = FittedTable(("setting", "value"), elastic=("value",))
        yield Horizontal(OptionList(markup=False), VerticalScroll(table, id="lane", can_focus=False))
        yield Static(id="said")

    def begin(self) -> None:
        """Begin at the lane that is on the screen."""
        self.query_one(OptionList).focus()

    async def read(self) -> None:
        """Read the lanes, unless there are changes that would be lost, and the models there are."""
        desk = await self.desk()
        if not self._changed:
            self._before = desk.configuration.lanes()
            self._lanes = list(self._before)
            self._list(self.house.chat.lane)
        names = [status.provider for status in desk.providers()]
        self._known = Known(providers=names, models={}, lanes=[lane.name for lane in self._lanes])
        try:
            found = await desk.models()
        except DeskError as error:
            self.say(str(error), severity="warning")
            return
        models: dict[str, list[str]] = {}
        for row in found:
            models.setdefault(row.provider, []).append(row.model.name)
        self._known = replace(self._known, models=models)

    # --- what is shown ------------------------------------------------------------------------------------------

    @property
    def _changed(self) -> bool:
        return tuple(self._lanes) != self._before

    @property
    def _at(self) -> int:
        return self.query_one(OptionList).highlighted or 0

    @property
    def _lane(self) -> LaneEntry | None:
        return self._lanes[self._at] if self._at < len(self._lanes) else None

    def _list(self, marked: str) -> None:
        options = self.query_one(OptionList)
        old = {lane.name: lane for lane in self._before}
        options.clear_options()
        options.add_options([f"{lane.name}{'' if old.get(lane.name) == lane else ' *'}" for lane in self._lanes])
        names = [lane.name for lane in self._lanes]
        options.highlighted = names.index(marked) if marked in names else 0
        self._draw()

    @on(OptionList.OptionHighlighted)
    def _draw(self) -> None:
        lane = self._lane
        if lane is None:
            return
        rows = {f"target {at}": (f"target {at + 1}", target) for at, target in enumerate(lane.targets)}
        rows["failover"] = ("failover", lane.failover)
        rows["resume"] = ("resume", lane.resume)
        rows["system"] = ("system prompt", lane.system or "none")
        for name in ("temperature", "max_output_tokens"):
            value = lane.params.get(name)
            rows[name] = (name.replace("_", " "), "not set" if value is None else str(value))
        self.query_one(FittedTable).show_rows(rows)
        words = []
        if not lane.written and lane in self._before:
            words.append(Content.styled("This lane is one of the defaults; the file says nothing of it.", "$muted"))
        if self._changed:
            words.append(Content.styled("Changed, and not written yet.", "$warning"))
        self.query_one("#said", Static).update(Content("\n").join(words))

    def _take(self, lane: LaneEntry) -> None:
        """Put a changed lane in the place of the marked one."""
        self._leaving = False
        row = self.query_one(FittedTable).cursor_row
        self._lanes[self._at] = lane
        self._list(lane.name)
        self.query_one(FittedTable).move_cursor(row=row)

    @property
    def _target(self) -> int:
        """Index of the marked target; -1 = another setting is marked."""
        kind, _, number = (self.query_one(FittedTable).marked or "").partition(" ")
        return int(number) if kind == "target" else -1

    # --- what can be done ---------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected)
    def _lane_chosen(self) -> None:
        self.query_one(FittedTable).focus()

    async def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter, or a click on the marked row."""
        event.stop()
        self.action_change()

    def action_change(self) -> None:
        """Change what is marked: the next value, or a line to type."""
        lane, key = self._lane, self.query_one(FittedTable).marked or ""
        if lane is None:
            return
        if not self.query_one(FittedTable).has_focus and self.query_one(OptionList).has_focus:
            self.query_one(FittedTable).focus()
        elif key == "failover":
            self._take(replace(lane, failover=next_of(FAILOVER, lane.failover)))
        elif key == "resume":
            self._take(replace(lane, resume=next_of(RESUME, lane.resume)))
        elif key == "system":
            self._ask("System prompt: a text file, its path from the configuration; empty = none", lane.system,
                      then=lambda text: self._take(replace(lane, system=text)))  # fmt: skip
        elif key in ("temperature", "max_output_tokens"):
            value = lane.params.get(key)
            self._ask(
                f"{key}; empty = not set",
                "" if value is None else str(value),
                check=partial(number_problem, key),
                then=lambda text: self._take(with_number(lane, key, text)),
            )
        else:
            at = self._target
            rest = replace(lane, targets=lane.targets[:at] + lane.targets[at + 1 :])
            self._ask("Another target in its place", choices=self._free(lane),
                      check=lambda text: target_problem(text, rest, self._known),
                      then=lambda text: self._take(
                          replace(lane, targets=(*lane.targets[:at], text, *lane.targets[at + 1 :]))))  # fmt: skip

    def action_add(self) -> None:
        """Add a target behind the others."""
        if (lane := self._lane) is not None:
            self._ask("Another target, asked last", choices=self._free(lane),
                      check=lambda text: target_problem(text, lane, self._known),
                      then=lambda text: self._take(replace(lane, targets=(*lane.targets, text))))  # fmt: skip

    def _free(self, lane: LaneEntry) -> list[str]:
        return [ref for ref in self._known.refs if ref not in lane.targets and ref != f"lane:{lane.name}"]

    def action_move(self, by: int) -> None:
        """Let the marked target be asked earlier or later."""
        lane, at = self._lane, self._target
        if lane is not None and at >= 0 and (changed := moved(lane, at, by)) != lane:
            self._take(changed)
            self.query_one(FittedTable).move_cursor(row=at + by)

    def action_remove(self) -> None:
        """Take the marked target out."""
        lane, at = self._lane, self._target
        if lane is None or at < 0:
            self.say("Mark a target first.")
        elif (changed := without(lane, at)) == lane:
            self.say("A lane has at least one target.", severity="warning")
        else:
            self._take(changed)

    def action_new_lane(self) -> None:
        """Begin a new lane with what the marked one has."""
        if (lane := self._lane) is None:
            return

        def made(name: str) -> None:
            self._lanes.append(replace(lane, name=name, written=True))
            self._known = replace(self._known, lanes=[each.name for each in self._lanes])
            self._list(name)

        names = [each.name for each in self._lanes]
        heading = f"Name of the new lane; it begins as {lane.name} is"
        self._ask(heading, check=lambda text: name_problem(text, names), then=made)

    def action_undo(self) -> None:
        """Let the marked lane be again as the file has it."""
        lane = self._lane
        old = next((each for each in self._before if lane is not None and each.name == lane.name), None)
        if old is not None:
            self._take(old)
        elif lane is not None:
            del self._lanes[self._at]
            self._list(self.house.chat.lane)

    def action_write_lanes(self) -> None:
        """Write the changes into the configuration, once the user has seen them."""
        edits = edits_of(self._before, self._lanes)
        if not edits:
            self.say("No lane was changed.")
            return
        self.write(edits, self._written)

    def _written(self) -> None:
        self._before = tuple(self._lanes)
        self.action_reload()

    def _ask(
        self,
        heading: str,
        value: str = "",
        *,
        then: Callable[[str], None],
        choices: Sequence[str] = (),
        check: Callable[[str], str] = lambda _: "",
    ) -> None:
        from llmdesk.tui.screens.asking import AskLine

        async def work() -> None:
            text = await self.app.push_screen_wait(AskLine(heading, value=value, choices=choices, check=check))
            if text is not None:
                then(text)

        beside(self, work, group="ask")

    def leave(self) -> bool:
        """Drop changes that are not written only when that is asked twice."""
        if self._leaving or not self._changed:
            return True
        self._leaving = True
        self.say("The same key again drops the changes; w writes them.", severity="warning")
        return False
