"""Prompts of the library: picked, filled in, and kept."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.tui.screens.writing import WritingScreen

if TYPE_CHECKING:
    from llmdesk.tui.commands import Command
    from llmdesk.tui.prompts import SavedPrompt
    from llmdesk.tui.screens.talk import Talk

SAVE = "/prompt save "


class LibraryScreen(WritingScreen):
    """A screen that can reach the user's own prompts."""

    def __init__(self, *, lane: str) -> None:
        super().__init__(lane=lane)
        self._to_replace: tuple[str, str] | None = None
        """Name and text of a prompt that would take the place of another; the same once more does it."""

    def action_pick_prompt(self) -> None:
        """Pick a prompt of the library."""
        self.follow(self._pick)

    async def run_command(self, command: Command, argument: str) -> None:
        """Do what a slash command says; what ``/prompt`` says is done here."""
        if command.name != "prompt":
            await super().run_command(command, argument)
            return
        try:
            await self._prompt(argument)
        except DeskError as error:
            self.say(str(error), severity="error")

    def use_prompt(self, name: str) -> None:
        """Put a prompt of the library into the editor, whatever it is called."""
        self.follow(partial(self._use, name))

    async def _prompt(self, argument: str) -> None:
        """What ``/prompt`` says: pick one, take one by its name, or keep the last one sent."""
        word, _, rest = argument.partition(" ")
        if word == "save":
            text = self.talk.last_prompt
            if not rest.strip():
                self.say("/prompt save NAME keeps the last prompt sent, or the lines below it.", severity="warning")
            elif not text:
                self.say("No prompt was sent yet.", severity="warning")
            else:
                await self._save(rest.strip(), text)
        elif argument:
            await self._use(argument)
        else:
            await self._pick()

    async def _pick(self) -> None:
        from llmdesk.tui.prompts import load_prompts
        from llmdesk.tui.screens.prompt_picker import PromptPicker

        folder = (await self.desk()).prompts
        prompts = await asyncio.to_thread(load_prompts, folder)
        talk = self.talk
        by_name = {prompt.name: prompt for prompt in prompts}

        def picked(name: str | None) -> None:
            if name is not None:
                self._put(talk, by_name[name])

        if self.app.screen is self:
            self.app.push_screen(PromptPicker(prompts, folder), picked)

    async def _use(self, name: str) -> None:
        from llmdesk.tui.completion import ranked
        from llmdesk.tui.prompts import load_prompts

        prompts = await asyncio.to_thread(load_prompts, (await self.desk()).prompts)
        by_name = {prompt.name.lower(): prompt for prompt in prompts}
        found = by_name.get(name.lower())
        if found is None:
            near = ranked(name, by_name)
            hint = f" There is {by_name[near[0]].name}." if near else " /prompt alone lists them."
            self.say(f"There is no prompt '{one_line(name, 60)}'.{hint}", severity="warning")
        elif found.problem:
            self.say(f"{found.name}.md {found.problem}", severity="warning")
        else:
            self._put(self.talk, found)

    def _put(self, talk: Talk, saved: SavedPrompt) -> None:
        """Put it in place of the text; what was written stays in the history, and undo brings it back."""
        from llmdesk.tui.placeholders import fill, names_in

        prompt = talk.pane.prompt
        known = {"date": time.strftime("%Y-%m-%d"), "lane": talk.lane}
        if talk.record.last_answer:
            known["last_answer"] = talk.record.last_answer.rstrip()
        filled = fill(saved.text, known)
        if prompt.text.strip():
            prompt.remember(prompt.text)
        prompt.put_with_gaps(filled, frozenset(names_in(saved.text)) - known.keys())
        self.set_focus(prompt)
        if filled.gaps:
            self.say("Write over each word in braces; tab goes to the next.")

    # --- keeping one --------------------------------------------------------------------------------------------

    async def _send(self, talk: Talk, text: str) -> bool:
        """``/prompt save NAME`` with lines below it keeps those lines."""
        first, _, rest = text.partition("\n")
        if not (first.startswith(SAVE) and rest.strip()):
            return await super()._send(talk, text)
        try:
            saved = await self._save(first.removeprefix(SAVE).strip(), rest.strip("\n"))
        except DeskError as error:
            self.say(str(error), severity="error")
            return False
        if saved:
            talk.pane.prompt.put(rest.strip("\n"))
        return False

    async def _save(self, name: str, text: str) -> bool:
        """Write it; over another one only when it is asked for twice."""
        from llmdesk.tui.prompts import save_prompt

        again = self._to_replace == (name, text)
        saved = await asyncio.to_thread(save_prompt, (await self.desk()).prompts, name, text, replace=again)
        self._to_replace = None if saved else (name, text)
        if saved:
            self._completing.forget("prompts")
            self.say(f"Kept as {name}: /prompt {name} brings it back.")
        else:
            self.say(f"There is a prompt {name} already. The same command once more replaces it.", severity="warning")
        return saved
