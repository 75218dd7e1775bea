"""Offering what could stand where the cursor is, and putting it there; what has to be read is read beside the keys."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from llmdesk.core.errors import DeskError
from llmdesk.core.types import PARAM_NAMES
from llmdesk.tui.completion import (
    ARGUMENTS,
    Kind,
    commands_for,
    marked_first,
    paths_for,
    split_path,
    taken,
    values_for,
)
from llmdesk.tui.folders import list_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from llmdesk.core.views import LaneView
    from llmdesk.desk import Desk
    from llmdesk.tui.completion import (
        Choice,
        Spot,
    )
    from llmdesk.tui.folders import Entries
    from llmdesk.tui.widgets.lane_pane import LanePane
    from llmdesk.tui.widgets.prompt import Prompt

FRESH_S = 60.0
"""How long the names of models and prompts are good for, seconds; they are read again at the next need."""

Names = tuple[tuple[str, str], ...]
"""A name and a line of help, each."""

_FIXED: dict[str, Names] = {
    "reasoning": (
        ("off", "answer at once"),
        ("low", "a little"),
        ("medium", "more"),
        ("high", "as much as it likes"),
        ("default", "as the lane says"),
    ),
    "forms": (("md", "Markdown, to be read"), ("json", "everything, for programs")),
    "blocks": (("code", "the last block of code only"),),
    "params": tuple((f"{name}=", "") for name in PARAM_NAMES),
}


class Chat(Protocol):
    """What the completion asks of the chat screen."""

    lanes: tuple[LaneView, ...]

    async def desk(self) -> Desk:
        """The desk, as soon as it is open."""
        ...

    def follow(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run something beside the screen until it ends."""
        ...

    def theme_names(self) -> list[str]:
        """The palettes there are."""
        ...


class Completing:
    """The list above the prompt, for one screen: it is of one prompt at a time."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._pane: LanePane | None = None
        self._spot: Spot | None = None
        self._choices: list[Choice] = []
        self._put_away: tuple[int, int] | None = None
        self._named: dict[str, tuple[float, Names]] = {}
        self._listed: dict[str, Entries] = {}
        self._reading: dict[str, asyncio.Event] = {}

    # --- offering -----------------------------------------------------------------------------------------------

    def edited(self, pane: LanePane) -> None:
        """The text or the cursor is elsewhere: offer what fits now."""
        self._notice_closing()
        spot = pane.prompt.spot
        place = (pane.prompt.cursor_location[0], spot.start) if spot is not None else None
        if spot is None or place != self._put_away or spot.kind is Kind.COMMAND:
            self._put_away = None
        if spot is None or self._put_away is not None:
            self.close(pane)
            return
        self._offer(pane, spot)

    def _notice_closing(self) -> None:
        """The list was put away with Esc: it stays away until another word is begun."""
        if self._pane is not None and self._spot is not None and not self._pane.prompt.completing:
            self._put_away = (self._pane.prompt.cursor_location[0], self._spot.start)
            self._pane = self._spot = None
            self._choices = []

    @property
    def put_away(self) -> bool:
        """The list was closed by the user, and the same word is still being written."""
        self._notice_closing()
        return self._put_away is not None

    def close(self, pane: LanePane) -> None:
        """Offer nothing more."""
        if self._pane is pane or pane.prompt.completing:
            self._pane = self._spot = None
            self._choices = []
            self._listed.clear()
            pane.offer_commands([])

    def _offer(self, pane: LanePane, spot: Spot) -> None:
        found = self._find(spot)
        if found is None:
            self._chat.follow(lambda: self._read_and_offer(pane, spot))
            return
        if not found:
            self.close(pane)
            return
        marked = marked_first(found)
        if self._pane is pane and [choice.name for choice in found] == [choice.name for choice in self._choices]:
            marked = pane.completion.marked  # nothing is different but the cursor
        self._pane, self._spot, self._choices = pane, spot, found
        pane.offer_commands([(choice.name, choice.help or " ") for choice in found], marked=marked)

    def _find(self, spot: Spot) -> list[Choice] | None:
        """What fits; ``None`` = something has to be read first."""
        match spot.kind:
            case Kind.COMMAND:
                return commands_for(spot.word)
            case Kind.VALUE:
                names = self._names(ARGUMENTS[spot.command].source)
                return None if names is None else values_for(spot, names)
            case Kind.PATH | Kind.MENTION:
                entries = self._listed.get(split_path(spot.word)[0])
                return None if entries is None else paths_for(spot, entries)

    def _names(self, source: str) -> Names | None:
        if source in _FIXED:
            return _FIXED[source]
        if source == "lanes":
            return tuple((lane.name, ", ".join(str(each.target) for each in lane.targets)) for lane in self._chat.lanes)
        if source == "themes":
            return tuple((name, "") for name in self._chat.theme_names())
        read_at, names = self._named.get(source, (-FRESH_S, ()))
        return names if time.monotonic() - read_at < FRESH_S else None

    async def _read_and_offer(self, pane: LanePane, spot: Spot) -> None:
        if self._key(spot) in self._reading:
            return  # who reads it offers what fits by then
        await self._read(spot)
        if pane.prompt.spot is not None and self._put_away is None:
            self.edited(pane)

    def _key(self, spot: Spot) -> str:
        """What has to be read for it."""
        if spot.kind in (Kind.PATH, Kind.MENTION):
            return f"folder {split_path(spot.word)[0]}"
        return ARGUMENTS[spot.command].source

    async def _read(self, spot: Spot) -> None:
        """Read the folder or the names; what is being read already is waited for."""
        key = self._key(spot)
        if (under_way := self._reading.get(key)) is not None:
            await under_way.wait()
            return
        done = self._reading[key] = asyncio.Event()
        try:
            if spot.kind in (Kind.PATH, Kind.MENTION):
                folder = split_path(spot.word)[0]
                self._listed[folder] = await asyncio.to_thread(list_folder, folder)
            else:
                names = await (self._models() if key == "models" else self._prompts())
                self._named[key] = (time.monotonic(), names)
        finally:
            del self._reading[key]
            done.set()

    async def _models(self) -> Names:
        from llmdesk.tui.words import size

        desk = await self._chat.desk()
        try:
            rows = await desk.models()
        except DeskError:  # told by what the models are listed with
            return ()
        return tuple(
            (f"{row.provider}/{row.model.name}", size(row.model.size_bytes) if row.model.size_bytes else "")
            for row in rows
            if row.model.capabilities != {"embedding"}
        )

    async def _prompts(self) -> Names:
        from llmdesk.tui.prompts import load_prompts

        folder = (await self._chat.desk()).prompts
        try:
            found = await asyncio.to_thread(load_prompts, folder)
        except DeskError:  # told by /prompt itself
            return ()
        return tuple((each.name, each.description or each.problem) for each in found)

    def forget(self, source: str) -> None:
        """What was read of it is no longer so."""
        self._named.pop(source, None)

    # --- taking -------------------------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """Mark another one."""
        if self._pane is not None:
            self._pane.completion.step(by)

    @property
    def marked(self) -> Choice | None:
        """What Enter takes; ``None`` = Enter is for sending."""
        if self._pane is None or not self._choices or self._pane.completion.marked < 0:
            return None
        if self._pane.prompt.spot != self._spot:
            return None  # keys came faster than the list: what it shows is for another word
        return self._choices[self._pane.completion.marked]

    def accept(self, pane: LanePane) -> None:
        """Put what is marked, or the first one, in place of the word; once it is there, if it is being read."""
        spot = pane.prompt.spot
        if spot is None:
            return
        if self._pane is not pane or self._spot != spot:
            if self._find(spot) is None:
                self._chat.follow(lambda: self._accept_later(pane, spot))
                return
            self._put_away = None
            self._offer(pane, spot)
        if self._pane is pane and self._choices:
            self.put(pane.prompt, self.marked or self._choices[0])

    async def _accept_later(self, pane: LanePane, spot: Spot) -> None:
        await self._read(spot)
        if pane.prompt.spot == spot and self._find(spot) is not None:
            self.accept(pane)

    def put(self, prompt: Prompt, choice: Choice) -> None:
        """Write a choice in place of the word before the cursor."""
        if self._spot is None:
            return
        row, _ = prompt.cursor_location
        text, behind = taken(prompt.document.get_line(row), self._spot, choice)
        begin, end = (row, self._spot.start), (row, self._spot.end + behind)
        result = prompt.replace(text, begin, end, maintain_selection_offset=False)
        prompt.move_cursor(result.end_location)

    @property
    def runs(self) -> bool:
        """What is offered belongs to a command: taking it can run the command at once."""
        return self._spot is not None and self._spot.kind is not Kind.MENTION
