"""The desk on the screen: paints at once, opens the desk behind it, and leaves it in order however it is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

from textual.reactive import Reactive
from textual.widgets._toast import ToastRack

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.core.views import ScreenSettings
from llmdesk.tui.answers import let_answer
from llmdesk.tui.beside import beside
from llmdesk.tui.dressing import DressedApp
from llmdesk.tui.giving_back import thorough
from llmdesk.tui.keeper import Keeper
from llmdesk.tui.keymap import Keymap, bindings_for
from llmdesk.tui.keys import correct_sequences
from llmdesk.tui.leaving import Signals, crash_report
from llmdesk.tui.pace import quicken
from llmdesk.tui.resettling import Worn, take_settings, use_keys
from llmdesk.tui.screens.chat import ChatScreen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rich.console import RenderableType
    from textual import events
    from textual.app import SystemCommand
    from textual.binding import BindingType
    from textual.command import Provider
    from textual.driver import Driver
    from textual.screen import Screen

    from llmdesk.desk import Desk
    from llmdesk.tui.pulls import Pulls

OpenDesk = Callable[[], AbstractAsyncContextManager["Desk"]]
"""Makes a desk that is opened by entering it."""

CLOSE_S = 0.6
"""How long the desk may take to write things down after a signal, seconds (policy X5: one second for everything)."""


def _palette() -> type[Provider]:
    from llmdesk.tui.palette import InOrder

    return InOrder


class DeskApp(DressedApp):
    """The screen of the desk.

    Args:
        open_desk: makes the desk; called after the first paint.
        lane: the lane to begin in; ``None`` = the default one.
        conversation: id of the conversation to resume; ``None`` = a new one.
        theme: a palette's name, instead of the configured one.
        demo: nothing here is a real model, and everything says so.
        latest: resume the conversation used last.
        prepare: what takes long before the desk can be made (imports); run in a thread after the first paint.
        colours: false = none at all, as with ``NO_COLOR``.
    """

    CSS_PATH = "app.tcss"
    TITLE = "llmdesk"
    ENABLE_COMMAND_PALETTE = True
    VERTICAL_BREAKPOINTS = [(0, "-bare"), (2, "-low"), (4, "-high")]  # noqa: RUF012 - as Textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-thin"), (16, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("desk")]
    title: Reactive[str] = Reactive("", compute=False, repaint=False)
    """Stands in no line of the screen, so none of it is painted again where it changes."""
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}

    def __init__(
        self,
        open_desk: OpenDesk,
        *,
        lane: str | None = None,
        conversation: str | None = None,
        theme: str | None = None,
        demo: bool = False,
        latest: bool = False,
        prepare: Callable[[], None] | None = None,
        colours: bool = True,
    ) -> None:
        correct_sequences()
        let_answer()
        quicken()
        super().__init__(colours=colours)
        self.calls_by = "off"
        self.chat = ChatScreen(lane=lane, conversation=conversation, latest=latest)
        self.chat.demo = demo
        self.keymap = Keymap(overrides={}, notes=())
        self.failure: DeskError | None = None
        self.prompts: Path | None = None
        """The folder of the user's own prompts; ``None`` until the desk is open."""
        self._wanted_theme = theme
        self._worn = Worn(screen=ScreenSettings(), keys={})
        self._keeper = Keeper(open_desk, prepare)
        self._signals = Signals(self._signalled)
        self._asked_to_leave = False

    def get_driver_class(self) -> type[Driver]:
        """The driver that Textual would take, which leaves nothing behind."""
        return thorough(super().get_driver_class())

    def get_default_screen(self) -> Screen[None]:
        """The chat is what is there from the first paint."""
        return self.chat

    # --- opening and closing the desk -----------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Take the signals; the desk is opened once the first picture is out."""
        self._keeper.take_place()
        self._signals.take()
        self.app_resume_signal.subscribe(self, lambda _app: self.refresh(layout=True))  # the shell's screen was there
        self.call_after_refresh(self._keeper.begin, self._desk_opened, self._desk_failed)

    def on_resize(self, event: events.Resize) -> None:
        """Paint everything where the size is what it was: the window was another for an instant, its lines are gone.

        For another size the screen is laid out anew, and painted with that.
        """
        if event.size == self.screen.outer_size:
            self.screen.refresh()

    def _desk_opened(self, desk: Desk) -> None:
        beside(self, partial(self._use, desk))

    def _desk_failed(self, error: Exception) -> None:
        """A desk that cannot be opened is told on the terminal; a fault of ours is a crash like any other."""
        if isinstance(error, DeskError):
            self.failure = error
            self.exit(return_code=1)
        elif self.is_running:
            self._handle_exception(error)

    async def desk(self) -> Desk:
        """The desk, as soon as it is open."""
        return await self._keeper.desk()

    async def _use(self, desk: Desk) -> None:
        self.use_keys(desk.screen.keys)
        self._worn = Worn(screen=desk.screen, keys=dict(desk.screen.keys))
        self.use_motion(desk.screen.motion)
        self.images = desk.screen.images != "off"
        self.calls_by = desk.screen.notify
        self.prompts = desk.prompts
        self.chat.show_sidebar({"on": True, "off": False}.get(desk.screen.sidebar))
        await self.chat.desk_opened(desk)
        await self.dress(self._wanted_theme or self.usual(desk.screen.theme))
        for note in self.keymap.notes:
            self.say(note, severity="warning")

    async def on_unmount(self) -> None:
        """Wait for the writes of the desk; the terminal is already the user's again."""
        await self._keeper.close()
        self._signals.give_back()

    # --- leaving --------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Quit; with an answer under way only when asked for a second time."""
        self.leave(asked=False)

    async def action_quit(self) -> None:
        """What Textual's own ways of quitting come to."""
        self.leave(asked=False)

    def leave(self, *, asked: bool) -> None:
        """Quit; an answer under way is paused, after the user has confirmed it."""
        running = self.chat.running()
        if running and not asked and not self._asked_to_leave:
            self._asked_to_leave = True
            self.set_timer(5, self._forget_leaving)
            answers = "An answer is" if running == 1 else f"{running} answers are"
            self.say(f"{answers} under way. Quit again to leave; the request waits in the outbox.", severity="warning")
            return
        self.chat.keep_all()
        self.exit()

    def _forget_leaving(self) -> None:
        self._asked_to_leave = False

    async def _signalled(self, exit_code: int) -> None:
        """A signal: write everything down first, because a lost terminal may block the screen; then leave."""
        self.chat.keep_all()
        await self._keeper.close(timeout_s=CLOSE_S)
        self.exit(return_code=exit_code)

    def _fatal_error(self) -> None:
        """Say in one line what happened; Textual would print every local variable (policy X11)."""
        from rich.text import Text

        self._exit_renderables.append(Text(crash_report()))
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Fail in one line too where Textual has caught an exception itself, beside the event loop (policy X11)."""
        from rich.text import Text
        from rich.traceback import Traceback

        caught = [each.trace.stacks[-1].exc_type for each in renderables if isinstance(each, Traceback)]
        self._return_code = 1
        self._exit_renderables.append(Text(crash_report(*caught[:1])))
        self._close_messages_no_wait()

    @cached_property
    def pulls(self) -> Pulls:
        """The models being fetched."""
        from llmdesk.tui.pulls import Pulls

        return Pulls(self, self.say)

    # --- what every screen uses -------------------------------------------------------------------------------------

    def say(self, text: str, *, severity: str = "information", instead_of: str = "") -> None:
        """Show a short message at the edge of the screen, in place of another one; never as markup."""
        self._make_room()
        for shown in [each for each in self._notifications if instead_of and each.message == one_line(instead_of)]:
            self._unnotify(shown, refresh=False)
        match severity:
            case "warning" | "error":
                self.notify(one_line(text), severity=severity, markup=False)
            case _:
                self.notify(one_line(text), markup=False, timeout=4)

    def _make_room(self) -> None:
        """Let messages stand above what is typed into and what can be chosen, not on it."""
        rows = max(getattr(self.screen, "rows_below", 1), 1)
        for rack in self.screen.query(ToastRack):
            rack.styles.margin = (0, 0, rows, 0)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text; what Textual's own widgets copy comes this way too."""
        self.copy(text, "Selection")

    def copy(self, text: str, what: str) -> None:
        """Copy a text and say how far it went; ``what`` = what it is."""
        from llmdesk.paths import process_environment
        from llmdesk.tui.clipboard import put

        self._clipboard = text  # what ctrl+v of Textual's own widgets gives back
        driver = self._driver

        async def told() -> None:
            env = {} if self.is_headless else process_environment()
            done = await put(text, env=env, write=lambda data: None if driver is None else driver.write(data))
            self.say(f"{what}: {done.words}.")

        beside(self, told)

    @property
    def to_terminal(self) -> Callable[[str], None] | None:
        """Takes bytes to the terminal as they are; ``None`` = there is none: a test, or a browser."""
        return None if self._driver is None or self.is_headless or self.is_web else self._driver.write

    def call_user(self, words: str) -> None:
        """Have the terminal call the user, where the settings want that: something happened that is not looked at."""
        write = self.to_terminal
        if self.calls_by == "off" or write is None:
            return
        from llmdesk.paths import process_environment
        from llmdesk.tui.calling import signals

        for signal in signals(self.calls_by, words, process_environment()):
            write(signal)

    def action_open_panel(self, name: str) -> None:
        """Show a full-screen panel, one of ``screens.panels.SCREENS``; the same key closes it again."""
        from llmdesk.tui.screens.panel import PanelScreen
        from llmdesk.tui.screens.panels import make_panel

        top = self.screen
        if isinstance(top, PanelScreen):
            under = self.screen_stack[-2]
            if name == "help" and top.panel != name:  # what the panel shows, or has not written, is there again then
                self.push_screen(make_panel(name, below=top.panel))
            elif not top.leave():
                return
            elif top.panel == name or (isinstance(under, PanelScreen) and under.panel == name):
                self.pop_screen()
            else:
                self.switch_screen(make_panel(name, below="chat"))
        elif top is self.chat:
            self.push_screen(make_panel(name, below="chat"))
        elif name == "help" and (scope := getattr(top, "scope", "")):
            self.push_screen(make_panel(name, below=scope))

    def show_conversations(self, query: str) -> None:
        """Show the conversations, searched for these words."""
        from llmdesk.tui.screens.conversations import ConversationsScreen

        self.push_screen(ConversationsScreen(query=query))

    def show_raw(self, request_id: str) -> None:
        """Show what was sent and received for a request (its whole id), on top of whatever is shown."""
        from llmdesk.tui.screens.raw import RawScreen

        self.push_screen(RawScreen(request_id))

    def close_panel(self) -> None:
        """Take away what is on top; the chat stays, whoever closes late."""
        if self.screen is not self.chat:
            self.pop_screen()

    # --- settings while the desk is open -----------------------------------------------------------------------------

    @property
    def user_keys(self) -> Mapping[str, str]:
        """The keys of the user that hold now: those of the configuration, and those of this sitting."""
        return self._worn.keys

    def use_keys(self, user: Mapping[str, str]) -> None:
        """Let keys of the user's own hold at once."""
        use_keys(self, user)
        self._worn.keys = dict(user)
        self.chat.show_hints()

    def set_keymap(self, keymap: Mapping[str, str]) -> None:
        """Let these keys hold, and tell so on every screen: Textual tells only the one on top."""
        super().set_keymap(keymap)
        for screen in self.screen_stack:
            screen.refresh_bindings()

    def show_sidebar(self, shown: bool | None) -> None:
        """Show what stands beside the chat, or as it fits."""
        self.chat.show_sidebar(shown)

    async def settings_read(self, desk: Desk) -> None:
        """The configuration was read again: take over what concerns the screen."""
        await self.load_themes()
        self._worn = take_settings(self, desk, self._worn)
        self.chat.show_hints()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key does anything while the next one is to be told by its name."""
        if getattr(self.screen, "catches_keys", False):
            return False
        return super().check_action(action, parameters)

    def action_reload_settings(self) -> None:
        """Read the configuration again."""

        async def work() -> None:
            try:
                await (await self.desk()).configuration.now()
            except DeskError as error:
                self.say(str(error), severity="error")

        beside(self, work)

    # --- the palette of commands ------------------------------------------------------------------------------------

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the screen that is on top, and what can be done everywhere."""
        from llmdesk.tui.palette import commands

        panel = "" if screen is self.chat else getattr(screen, "panel", "none")
        yield from commands(self, self.chat, top=screen, panel=panel, recent=self.chat.recent)


def import_desk(*, demo: bool = False) -> None:
    """Import what opening the desk needs, beside the event loop, so that typing stays smooth meanwhile."""
    from llmdesk import wiring  # noqa: F401 - only loaded here

    if demo:
        from llmdesk.demo import demo_world  # noqa: F401 - only loaded here
    from llmdesk.tui.screens import figures  # noqa: F401 - only loaded here
    from llmdesk.tui.transcript.view import preload

    preload()


def run_app(
    open_desk: OpenDesk,
    *,
    lane: str | None = None,
    conversation: str | None = None,
    theme: str | None = None,
    demo: bool = False,
    latest: bool = False,
    prepare: Callable[[], None] | None = None,
    colours: bool = True,
) -> int:
    """Open the desk on the terminal and return the exit code; the arguments are those of ``DeskApp``.

    Raises:
        DeskError: the desk could not be opened; the terminal is restored.
    """

    async def run() -> int:
        app = DeskApp(
            open_desk, lane=lane, conversation=conversation, theme=theme, demo=demo, latest=latest,
            prepare=prepare or partial(import_desk, demo=demo), colours=colours,
        )  # fmt: skip
        app.fit_terminal()
        await app.run_async()
        if app.failure is not None:
            raise app.failure
        return app.return_code or 0

    return asyncio.run(run())
