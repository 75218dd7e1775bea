"""Keys: what each does, who may keep it, and changing one on the spot."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.content import Content
from textual.widgets import DataTable, Static

from llmdesk.core.edits import Edit
from llmdesk.core.text import one_line
from llmdesk.paths import process_environment
from llmdesk.tui.actions import ACTIONS, BY_ID
from llmdesk.tui.beside import beside
from llmdesk.tui.keymap import clashing, read_keymap
from llmdesk.tui.screens.filtering import FilteredPanel
from llmdesk.tui.screens.help import SECTIONS
from llmdesk.tui.screens.offering import OfferingPanel
from llmdesk.tui.swallowed import keepers_here, keepers_of
from llmdesk.tui.widgets.filter_line import FilterLine
from llmdesk.tui.widgets.fitted_table import FittedTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.widget import Widget

    from llmdesk.tui.actions import Action


class KeysScreen(OfferingPanel, FilteredPanel):
    """Every action with its keys, and the way to change them."""

    panel: ClassVar = "keys"
    heading: ClassVar[str] = "keys"
    keys: ClassVar = (("keys_change", "change"), ("keys_try", "try keys"), ("filter", "filter"))
    DEFAULT_CSS = """
    KeysScreen #said { height: auto; max-height: 8; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = ""

    def content(self) -> Iterable[Widget]:
        """The filter, the actions, and what is to be said of the marked one."""
        yield FilterLine("filter: words, keys, names")
        yield FittedTable(
            ("keys", "does", "where", "command", "kept by", "name"),
            elastic=("does", "kept by", "keys"),
            spare=("name", "where", "command"),
            legible=34,
        )
        yield Static(id="said")

    @property
    def reader(self) -> FittedTable:
        """The table."""
        return self.query_one(FittedTable)

    async def narrow(self) -> None:
        """Show the actions that have the words."""
        self._fill()

    async def read(self) -> None:
        """Show them all."""
        self._fill()

    # --- what is shown ------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        words = self.filtered_by.lower().split()
        rows = {action.id: self._cells(action) for action in ACTIONS}
        fitting = {key: cells for key, cells in rows.items() if all(w in " ".join(cells).lower() for w in words)}
        self.reader.show_rows(fitting)
        self._tell()

    def _cells(self, action: Action) -> tuple[str, ...]:
        keys = self.house.keymap.keys_of(action)
        kept = {keeper.name: None for key in keys.split(",") for keeper in keepers_of(key)}
        command = f"/{action.command}" if action.command else ""
        changed = " *" if action.id in self.house.user_keys else ""
        shown = f"{keys.replace(',', '  ') or 'none'}{changed}"
        return shown, action.help, SECTIONS[action.scope], command, ", ".join(kept), action.id

    @on(DataTable.RowHighlighted)
    def _tell(self) -> None:
        """Say of the marked action which of its keys may not arrive, and what was refused."""
        action = self._marked()
        lines = [Content.styled(one_line(note), "$warning") for note in self.house.keymap.notes]
        if self._said:
            lines.append(Content.styled(self._said, "$success"))
        if action is not None:
            here = keepers_here(process_environment())
            for key in filter(None, self.house.keymap.keys_of(action).split(",")):
                for keeper in keepers_of(key):
                    place = "here: " if keeper in here else ""
                    text = f"{key}: {place}{keeper.name} keeps it ({keeper.keys[key]}); {keeper.way_round}."
                    lines.append(Content.styled(text, "$warning" if keeper in here else "$muted"))
        self.query_one("#said", Static).update(Content("\n").join(lines))

    def _marked(self) -> Action | None:
        key = self.reader.marked
        return BY_ID[key] if key is not None else None

    def _about(self, key: str, action: Action | None) -> list[str]:
        """What a key does now, who may keep it, and what would have to give way for it."""
        owners = [each for each in ACTIONS if key in self.house.keymap.keys_of(each).split(",")]
        lines = [f"{each.help} ({SECTIONS[each.scope]}: {each.id})" for each in owners] or ["Nothing is bound to it."]
        if action is not None and (clash := clashing(action, key, self.house.keymap)) is not None:
            lines.append(f"It cannot be both: {clash.id} would have to give it up first.")
        lines += [f"{keeper.name} keeps it by default ({keeper.keys[key]})." for keeper in keepers_of(key)]
        return lines

    # --- what can be done ---------------------------------------------------------------------------------------

    @on(DataTable.RowSelected)
    def _chosen(self) -> None:
        self.action_change_key(False)

    def action_change_key(self, more: bool) -> None:
        """Let the next key be the action's, instead of those it has or beside them."""
        action = self._marked()
        if action is not None:
            beside(self, partial(self._change, action, more), group="catch")

    async def _change(self, action: Action, more: bool) -> None:
        from llmdesk.tui.screens.key_catcher import KeyCatcher

        tell = partial(self._about, action=action)
        key = await self.app.push_screen_wait(KeyCatcher(f"Key for: {action.help}", tell, wanted=True))
        if key is None:
            return
        own = [each for each in self.house.keymap.keys_of(action).split(",") if each and each != key]
        self._use(action, ",".join([*own, key] if more else [key]))

    def action_unbind(self) -> None:
        """Take the action's keys away."""
        if (action := self._marked()) is not None:
            self._use(action, "none")

    def action_usual_key(self) -> None:
        """Give the action its usual keys back."""
        if (action := self._marked()) is not None:
            self._use(action, None)

    def action_try_keys(self) -> None:
        """Show what arrives of the keys that are pressed."""
        from llmdesk.tui.screens.key_catcher import KeyCatcher

        tell = partial(self._about, action=None)
        self.app.push_screen(KeyCatcher("What arrives", tell, wanted=False))

    def _use(self, action: Action, keys: str | None) -> None:
        """Let the keys hold at once, unless another action has one of them."""
        wanted = {name: text for name, text in self.house.user_keys.items() if name != action.id}
        if keys is not None:
            wanted[action.id] = keys
        refused = [note for note in read_keymap(wanted).notes if note not in self.house.keymap.notes]
        if refused:
            self._said = ""
            self.say(refused[0], severity="warning")
            return
        self.house.use_keys(wanted)
        line = f"ui: {{keys: {{{action.id}: {keys}}}}}" if keys is not None else f"without {action.id} under ui: keys:"
        self._said = f"It holds for this sitting. In llmdesk.yaml it is  {line}"
        self._fill()

    def action_write_keys(self) -> None:
        """Write all changes of this sitting into the configuration, once the user has seen them."""

        async def work() -> None:
            before, now = (await self.desk()).screen.keys, self.house.user_keys
            edits = [Edit(path=("ui", "keys", name), value=now[name]) for name in now if before.get(name) != now[name]]
            edits += [Edit(path=("ui", "keys", name), remove=True) for name in before if name not in now]
            if edits:
                self.write(edits, self._fill)
            else:
                self.say("No key was changed.")

        beside(self, work)
