"""What the full-screen panels share: a title, a body that is read from the desk, and Esc back to the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.widgets import Static

from llmdesk.core.errors import DeskError
from llmdesk.tui.beside import beside
from llmdesk.tui.fresh import Fresh
from llmdesk.tui.keymap import bindings_for
from llmdesk.tui.screens.base import DeskScreen
from llmdesk.tui.widgets.header import DEMO
from llmdesk.tui.widgets.keys_line import KeysLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from llmdesk.core.views import Topic
    from llmdesk.tui.widgets.keys_line import ToldKey


class PanelScreen(DeskScreen):
    """A full-screen panel over the chat.

    Attributes:
        panel: its name, by which it is opened; the actions of this scope are bound here.
        keys: those worth knowing, told in the last line, the most useful first: what does not fit is left out.
        live: what is read again by itself when it has changed.
    """

    panel: ClassVar[str]
    heading: ClassVar[str] = ""
    keys: ClassVar[tuple[ToldKey, ...]] = ()
    live: ClassVar[frozenset[Topic]] = frozenset()
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("list")]
    DEFAULT_CSS = """
    #panel-title { height: 1; padding: 0 1; background: $panel; text-style: bold; }
    """

    def __init_subclass__(cls, **kwargs: bool) -> None:
        """Bind the actions of the panel's own scope."""
        if "panel" in vars(cls):
            cls.BINDINGS = [*vars(cls).get("BINDINGS", ()), *bindings_for(cls.panel)]
        super().__init_subclass__(**kwargs)

    def __init__(self) -> None:
        super().__init__()
        self._fresh = Fresh(self, self._read)

    def compose(self) -> ComposeResult:
        """Title, body, keys."""
        demo = (" ", DEMO, " ") if self.house.chat.demo else (" ",)
        yield Static(Content.assemble("llmdesk", *demo, f"─ {self.heading}"), id="panel-title")
        yield from self.body()
        yield KeysLine(self.keys)

    def body(self) -> Iterable[Widget]:
        """What the panel shows."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Get ready and read; a subclass overrides ``begin``, because Textual calls every ``on_mount`` of a class."""
        self.begin()
        self.action_reload()

    def begin(self) -> None:
        """What a panel does once, before it reads."""

    async def read(self) -> None:
        """Fetch from the desk and show.

        Raises:
            DeskError: it could not be read; the message is shown.
        """

    def desk_changed(self, topics: frozenset[Topic]) -> None:
        """Read again what this panel shows live."""
        if topics & self.live:
            self._fresh.again()

    def action_reload(self) -> None:
        """Read everything again."""
        beside(self, self._read, exclusive=True, group="read")

    async def _read(self) -> None:
        try:
            await self.read()
        except DeskError as error:
            self.say(str(error), severity="error")

    def action_filter(self) -> None:
        """Where there is nothing to filter, nothing happens."""

    def leave(self) -> bool:
        """Put in order what goes with the panel; false = it stays, and has said why."""
        return True

    def action_close_panel(self) -> None:
        """Back to the chat."""
        if self.leave():
            self.house.close_panel()
