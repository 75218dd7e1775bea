"""Conversations: ranked full-text search over everything, a jump to the match, and everything to put them in order."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import DataTable, Input, Static

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.core.views import Topic
from llmdesk.tui.beside import beside
from llmdesk.tui.hints import key_name
from llmdesk.tui.house import Talked
from llmdesk.tui.screens.panel import PanelScreen
from llmdesk.tui.widgets.action_line import ActionLine
from llmdesk.tui.widgets.fitted_table import FittedTable
from llmdesk.tui.widgets.search_input import SearchInput
from llmdesk.tui.widgets.wait_line import Offer
from llmdesk.tui.words import clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence

    from textual import events
    from textual.timer import Timer
    from textual.widget import Widget

    from llmdesk.core.views import ConversationView
    from llmdesk.desk import Desk

PAGE = 200
"""Conversations shown at first, and how many more come when the cursor nears the end."""

NEAR_END = 10

PAUSE_S = 0.12
"""How long nothing is typed before the search begins, seconds: a read for each letter would be for nothing."""

NAMED = 40
"""How much of a title names a conversation in a message, characters."""

TITLES = ("", "when", "lane", "title", "messages", "tags", "match")

OFFERS = (
    Offer(label="rename", action="rename", does="conversation_rename"),
    Offer(label="tags", action="tags", does="conversation_tags"),
    Offer(label="pin", action="pin", does="conversation_pin"),
    Offer(label="put away", action="archive", does="conversation_archive"),
    Offer(label="delete", action="delete", does="conversation_delete"),
    Offer(label="export md", action="export('md')", does="conversation_export_md"),
    Offer(label="export json", action="export('json')", does="conversation_export_json"),
    Offer(label="show put away", action="show_archived", does="conversations_away"),
    Offer(label="import", action="import", does="conversations_import"),
)


class FoundTable(FittedTable):
    """Conversations, with what was searched for standing out."""

    def __init__(self) -> None:
        super().__init__(TITLES, elastic=("title", "match"), last=("tags",), spare=("messages", "tags", "lane"))
        self._matches: dict[str, tuple[tuple[int, int], ...]] = {}

    def show_found(self, found: Sequence[ConversationView]) -> None:
        """Show these."""
        matches = {key_of(view): view.matches for view in found if view.snippet == one_line(view.snippet)}
        if matches != self._matches:
            self._matches, self._widths = matches, {}  # drawn anew even where the words are the same
        self.show_rows({key_of(view): _cells(view) for view in found})

    def highlights(self, key: str, title: str) -> Sequence[tuple[int, int]]:
        """The words that were found."""
        return self._matches.get(key, ()) if title == "match" else ()


def key_of(view: ConversationView) -> str:
    """The key of its row: a search may find several messages of one conversation."""
    return f"{view.id} {view.message}"


def _cells(view: ConversationView) -> tuple[str, ...]:
    away = "put away · " if view.archived and view.snippet else ""
    return (
        "★" if view.pinned else "", clock(view.updated_at), view.lane, view.title, str(view.messages),
        " ".join(f"#{tag}" for tag in view.tags), away + view.snippet if not view.matches else view.snippet,
    )  # fmt: skip


class ConversationsScreen(PanelScreen):
    """Type to search, Enter opens, alt with a letter puts in order.

    Args:
        query: words to search for at once.
    """

    panel: ClassVar = "conversations"
    heading: ClassVar[str] = "conversations"
    keys: ClassVar = ("type to search everything", "enter open", "↑ ↓ choose")
    live: ClassVar[frozenset[Topic]] = frozenset({Topic.CONVERSATIONS, Topic.BEGUN, Topic.REQUESTS})
    DEFAULT_CSS = """
    ConversationsScreen SearchInput { margin: 0 1; }
    ConversationsScreen #nothing { height: 1fr; padding: 1 2; color: $muted; }
    ConversationsScreen ActionLine { padding: 0 1; }
    ConversationsScreen #edit { height: 1; padding: 0 1; background: $panel; }
    ConversationsScreen #edit Static { width: auto; }
    ConversationsScreen #edit SearchInput { width: 1fr; margin: 0; background: $panel; }
    ConversationsScreen .away { display: none; }
    """

    def __init__(self, *, query: str = "") -> None:
        super().__init__()
        self._words = query
        self._found: tuple[ConversationView, ...] = ()
        self._archived = False
        self._limit = PAGE
        self._typing: Timer | None = None
        self._take: Callable[[str], Coroutine[None, None, None]] | None = None

    def body(self) -> Iterable[Widget]:
        """The search, what it finds, what can be done with it, and a line to write in for some of that."""
        search = SearchInput(placeholder="search all conversations")
        search.id, search.value = "search", self._words
        yield search
        yield FoundTable()
        yield Static(id="nothing", classes="away", markup=False)
        yield ActionLine(OFFERS)
        with Horizontal(id="edit", classes="away"):
            yield Static(id="edit-label", markup=False)
            yield SearchInput(placeholder="")

    def begin(self) -> None:
        """Typing searches from the start."""
        self._search.focus()

    @property
    def _search(self) -> SearchInput:
        return self.query_one("#search", SearchInput)

    @property
    def _table(self) -> FoundTable:
        return self.query_one(FoundTable)

    @property
    def _line(self) -> SearchInput:
        return self.query_one("#edit SearchInput", SearchInput)

    # --- reading ------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        """List, or search for what is typed."""
        desk = await self.desk()
        words = self._search.value.strip()
        if words:
            found = await desk.search(words, limit=PAGE)
        else:
            found = await desk.conversations(limit=self._limit, archived=self._archived)
        self._found = tuple(found)
        self._table.show_found(found)
        self.query_one("#nothing").set_class(bool(found), "away")
        self._table.set_class(not found, "away")
        if not found:
            self.query_one("#nothing", Static).update(self._nothing(words))
        self._show_offers()

    def _nothing(self, words: str) -> Content:
        if words:
            text = (
                f"Nothing was found for “{one_line(words, 60)}”.\n"
                "All words have to be in one message, or in a title; the last may be the beginning of one."
            )
        elif self._archived:
            away, back = self._key("conversation_archive"), self._key("conversations_away")
            text = f"Nothing was put away.\n{away} puts the marked conversation away, {back} goes back to the others."
        else:
            taken_in = self._key("conversations_import")
            text = f"There is no conversation yet.\nWhat is asked in a lane begins one; {taken_in} takes in an export."
        return Content(text)

    def _key(self, action_id: str) -> str:
        return key_name(self.house.keymap, action_id) or "a click below"

    def _show_offers(self) -> None:
        offers = list(OFFERS)
        if self._archived:
            offers = [replace(offer, label=_ARCHIVED.get(offer.action, offer.label)) for offer in offers]
        if (deleted := self.house.chat.last_deleted) is not None:
            words = f"undo: {one_line(deleted.title, 24)}"
            offers.insert(0, Offer(label=words, action="undelete", does="conversation_undelete"))
        self.query_one(ActionLine).show_offers(offers)

    @on(Input.Changed, "#search")
    def _typed(self) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(PAUSE_S, self.action_reload)

    @on(DataTable.RowHighlighted)
    def _moved(self, event: DataTable.RowHighlighted) -> None:
        """Read on before the end is reached."""
        listed = not self._search.value.strip()
        if listed and len(self._found) == self._limit and event.cursor_row >= self._limit - NEAR_END:
            self._limit += PAGE
            self._fresh.again()

    # --- choosing and opening -----------------------------------------------------------------------------------

    @property
    def _marked(self) -> ConversationView | None:
        key = self._table.marked
        return next((view for view in self._found if key_of(view) == key), None)

    @on(Input.Submitted, "#search")
    async def _taken(self) -> None:
        if self._typing is not None:  # what is shown may be what fewer letters have found
            self._typing.stop()
        if self._words_changed():
            await self._read()
        await self._open(self._marked)

    def _words_changed(self) -> bool:
        changed, self._words = self._search.value != self._words, self._search.value
        return changed

    @on(DataTable.RowSelected)
    async def _chosen(self) -> None:
        await self._open(self._marked)

    @on(SearchInput.Stepped)
    def _stepped(self, event: SearchInput.Stepped) -> None:
        (self._table.action_cursor_up if event.by < 0 else self._table.action_cursor_down)()

    def on_key(self, event: events.Key) -> None:
        """Pages turn while the search has the keys."""
        if event.key in ("pageup", "pagedown") and isinstance(self.focused, Input):
            event.stop()
            (self._table.action_page_up if event.key == "pageup" else self._table.action_page_down)()

    async def _open(self, view: ConversationView | None) -> None:
        if view is not None and self.is_active:  # it may have been left while it was reading
            self.house.close_panel()
            await self.house.chat.open_conversation(view.id, view.message)

    def action_close_panel(self) -> None:
        """Close the line that is written in, else the panel."""
        if self._take is not None:
            self._end_edit()
        else:
            super().action_close_panel()

    # --- a line to write in -------------------------------------------------------------------------------------

    def _edit(self, label: str, text: str, take: Callable[[str], Coroutine[None, None, None]]) -> None:
        self._take = take
        self.query_one("#edit-label", Static).update(Content.styled(f"{label} ▸ ", "bold $accent"))
        self.query_one("#edit").remove_class("away")
        self._line.value = text
        self._line.cursor_position = len(text)
        self._line.focus()

    def _end_edit(self) -> None:
        self._take = None
        self.query_one("#edit").add_class("away")
        self._search.focus()

    @on(Input.Submitted, "#edit SearchInput")
    def _written(self, event: Input.Submitted) -> None:
        take, text = self._take, event.value
        self._end_edit()
        if take is not None:
            self._do(partial(take, text))

    # --- what is done -------------------------------------------------------------------------------------------

    @on(ActionLine.Chosen)
    async def _offer_clicked(self, event: ActionLine.Chosen) -> None:
        await self.run_action(event.action)

    def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something, tell what cannot be done, and show how it is then."""

        async def done() -> None:
            try:
                await work()
            except DeskError as error:
                self.say(str(error), severity="error")
            self._fresh.again()

        beside(self, done)

    def _with_marked(self, work: Callable[[Desk, ConversationView], Awaitable[None]]) -> None:
        if (view := self._marked) is None:
            self.say("There is no conversation in this line.", severity="warning")
            return
        marked = view

        async def done() -> None:
            await work(await self.desk(), marked)

        self._do(done)

    def action_rename(self) -> None:
        """Write another title."""
        if (view := self._marked) is None:
            return

        async def rename(title: str) -> None:
            await (await self.desk()).shelf.rename(view.id, title)
            self.house.chat.conversation_renamed(view.id, one_line(title))

        self._edit("title", view.title, rename)

    def action_tags(self) -> None:
        """Write other tags."""
        if (view := self._marked) is None:
            return

        async def tag(words: str) -> None:
            await (await self.desk()).shelf.tag(view.id, words.replace(",", " ").split())

        self._edit("tags, with spaces between", " ".join(view.tags), tag)

    def action_pin(self) -> None:
        """Above the others, or no longer."""
        self._with_marked(lambda desk, view: desk.shelf.pin(view.id, not view.pinned))

    def action_archive(self) -> None:
        """Away, or back."""

        async def archive(desk: Desk, view: ConversationView) -> None:
            await desk.shelf.archive(view.id, not view.archived)
            self.say(f"“{one_line(view.title, NAMED)}” was {'taken back' if view.archived else 'put away'}.")

        self._with_marked(archive)

    def action_show_archived(self) -> None:
        """Those that were put away, or the others."""
        self._archived, self._limit = not self._archived, PAGE
        heading = "conversations put away" if self._archived else self.heading
        demo = " DEMO" if self.house.chat.demo else ""
        self.query_one("#panel-title", Static).update(Content(f"llmdesk{demo} ─ {heading}"))
        self._search.value = ""
        self.action_reload()

    def action_delete(self) -> None:
        """Delete it; it can be had back."""

        async def delete(_desk: Desk, view: ConversationView) -> None:
            await self.house.chat.delete_conversation(Talked(id=view.id, title=view.title))

        self._with_marked(delete)

    def action_undelete(self) -> None:
        """Have the one back that was deleted last."""

        async def undelete() -> None:
            had_back = await self.house.chat.undelete_conversation()
            title = f"“{one_line(had_back.title, NAMED)}” is back." if had_back else "There is nothing to have back."
            self.say(title)

        self._do(undelete)

    def action_export(self, form: str) -> None:
        """Write it to a file here."""

        async def export(desk: Desk, view: ConversationView) -> None:
            from llmdesk.tui.screens.shelving import write_out

            self.say(f"Written to {await write_out(desk, view.id, 'json' if form == 'json' else 'md')}.")

        self._with_marked(export)

    def action_import(self) -> None:
        """Take in an export."""

        async def take(path: str) -> None:
            from llmdesk.tui.screens.shelving import take_in

            if path.strip():
                self.say(await take_in(await self.desk(), path))

        self._edit("path of an export", "", take)


_ARCHIVED = {"archive": "take back", "show_archived": "the others"}
"""What two of the offers say among those that were put away."""
