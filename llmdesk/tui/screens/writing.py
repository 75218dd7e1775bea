"""What the prompt of a lane tells: a text is sent, a command is run or completed, something is pasted or attached."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.core.views import Attachment
from llmdesk.tui.commands import as_prompt, matching, meant, mentioned_files, parse
from llmdesk.tui.reading import Found, read_path
from llmdesk.tui.screens.attaching import AttachingScreen
from llmdesk.tui.screens.completing import Completing
from llmdesk.tui.widgets.choices import Choices
from llmdesk.tui.widgets.prompt import Prompt
from llmdesk.tui.widgets.queue_line import QueueLine
from llmdesk.tui.words import counted, size

if TYPE_CHECKING:
    from llmdesk.desk import Desk
    from llmdesk.tui.commands import Command
    from llmdesk.tui.screens.talk import Talk
    from llmdesk.tui.widgets.lane_pane import LanePane

ATTACHES = "tab attaches it"
"""The row that is offered for the path of a file that was pasted."""


class WritingScreen(AttachingScreen):
    """A screen whose prompts are heard."""

    def __init__(self, *, lane: str) -> None:
        super().__init__(lane=lane)
        self._completing = Completing(self)
        self._doubted = ""
        """The text that was not sent at the first Enter; the second one sends it."""
        self._dropped: tuple[str, str, tuple[str, ...]] | None = None
        """The whole text, the part of it that was pasted, and the files it names, while they are offered."""

    def talk_of(self, prompt: Prompt) -> Talk:
        """The talk a prompt belongs to: keys that arrive together may have gone on to another lane by now."""
        return next((talk for talk in self.talks.values() if talk.pane.prompt is prompt), self.talk)

    def theme_names(self) -> list[str]:
        """The palettes there are."""
        return self.house.palette_names()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Files that are attached can be taken back too."""
        if action == "unqueue" and self.talk.outgoing.attached:
            return True
        return super().check_action(action, parameters)

    # --- sending ------------------------------------------------------------------------------------------------

    @on(Prompt.Sent)
    async def _sent(self, event: Prompt.Sent) -> None:
        begun = event.prompt.text.startswith(event.text)  # else it was changed since
        if not begun or not await self._send(self.talk_of(event.prompt), event.text):
            event.prompt.let_stand()

    async def _send(self, talk: Talk, text: str) -> bool:
        """Send a text, or run it; false = it was left where it stands."""
        if not text.strip():
            return False
        prompt = talk.pane.prompt
        found = parse(text)
        begun = matching(text)
        if found is None and begun and not self._completing.put_away:
            found = begun[0], ""  # the list was not drawn yet when Enter came
        if found is None and self._doubts(prompt, text):
            return False
        if found is not None:
            self._take_away(talk, text)
            prompt.remember(text)
            await self.run_command(*found)
            return True
        files = await asyncio.to_thread(mentioned_files, text)
        if files and not await self._attach_mentioned(talk, files, text):
            return False
        if not prompt.text.startswith(text):
            return False  # it was changed while its files were looked for: another Enter sends what stands there now
        self._take_away(talk, text)
        talk.submit(as_prompt(text))
        return True

    def _take_away(self, talk: Talk, text: str) -> None:
        """Take out of the prompt what goes out; what was typed behind it meanwhile stays."""
        self._doubted = ""
        self._completing.close(talk.pane)
        talk.pane.prompt.take_sent(text)

    def _doubts(self, prompt: Prompt, text: str) -> bool:
        """Tell what is odd about a text, once; Enter on the same text again is meant so."""
        if text == self._doubted:
            return False
        near = meant(text)
        if near is not None:
            self._doubt(text, f"There is no command /{near[0]}. Did you mean /{near[1]}? Enter again sends it as text.")
        elif name := prompt.unfilled:
            self._doubt(text, f"{{{name}}} is not filled in yet: Tab goes to it. Enter again sends it so.")
        return text == self._doubted

    def _doubt(self, text: str, why: str) -> None:
        self._doubted = text
        self.say(why, severity="warning")

    async def _attach_mentioned(self, talk: Talk, files: list[str], text: str) -> bool:
        """Attach all of them, or none and say why; a second Enter goes without those that cannot be read."""
        desk = await self.desk()
        read = [await asyncio.to_thread(_read, desk, path) for path in files]
        problems = [each for each in read if isinstance(each, str)]
        if problems and text != self._doubted:
            more = f" (and {counted(len(problems) - 1, 'more file')})" if len(problems) > 1 else ""
            self._doubt(text, f"{problems[0]}{more} Enter again sends the prompt without it.")
            return False
        for each in read:
            if isinstance(each, Found):
                for file in each.files:
                    talk.attach(file)
                if each.told:
                    self.say(each.told)
        return True

    async def run_command(self, command: Command, argument: str) -> None:
        """Do what a slash command says."""
        from llmdesk.tui.screens.slash import run_command

        await run_command(self, command, argument)

    # --- completing ---------------------------------------------------------------------------------------------

    @on(Prompt.Edited)
    def _edited(self, event: Prompt.Edited) -> None:
        if event.text:
            self.forget_interrupt()
        if event.text != self._doubted:
            self._doubted = ""
        pane = self.talk_of(event.prompt).pane
        if self._dropped is not None and self._dropped[0] == event.text and event.prompt.completing:
            return  # the edit is the paste itself
        self._forget_dropped(pane)
        if event.recalled:
            self._completing.close(pane)
        else:
            self._completing.edited(pane)

    @on(Prompt.Moved)
    def _moved(self, event: Prompt.Moved) -> None:
        if self._dropped is None:
            self._completing.edited(self.talk_of(event.prompt).pane)

    @on(Prompt.Completing)
    async def _steered(self, event: Prompt.Completing) -> None:
        talk = self.talk_of(event.prompt)
        match event.step:
            case "up" | "down" if self._dropped is not None:
                self._forget_dropped(talk.pane)
            case "up" | "down":
                self._completing.step(-1 if event.step == "up" else 1)
            case "accept":
                if self._dropped is not None and event.prompt.completing:
                    await self._attach_dropped(talk)
                else:
                    self._completing.accept(talk.pane)
            case _:
                await self._entered(talk)

    async def _entered(self, talk: Talk) -> None:
        """Enter while a list is shown: take what is marked, and run the command it completes; else send."""
        choice = self._completing.marked if self._dropped is None else None
        if choice is None:
            await self._send(talk, talk.pane.prompt.text)
            return
        runs = self._completing.runs and not choice.goes_on
        self._completing.put(talk.pane.prompt, choice)
        if runs:
            await self._send(talk, talk.pane.prompt.text)

    @on(Choices.Clicked)
    async def _choice_clicked(self, event: Choices.Clicked) -> None:
        talk = self.talk
        if event.choices is not talk.pane.completion:
            return
        self.set_focus(talk.pane.prompt)
        if self._dropped is not None:
            await self._attach_dropped(talk)
        else:
            self._completing.accept(talk.pane)

    # --- what is pasted -----------------------------------------------------------------------------------------

    @on(Prompt.Pasted)
    def _pasted(self, event: Prompt.Pasted) -> None:
        from llmdesk.tui.dropped import dropped_paths

        readings = dropped_paths(event.text)
        if readings:
            self.follow(lambda: self._offer_dropped(event, readings))

    async def _offer_dropped(self, event: Prompt.Pasted, readings: list[tuple[str, ...]]) -> None:
        """Offer to attach what the paste names, if it is there and the user has not gone on."""
        from llmdesk.tui.folders import first_existing

        found = await asyncio.to_thread(first_existing, readings)
        pane = self.talk_of(event.prompt).pane
        if not found or event.text not in event.prompt.text or event.prompt.completing:
            return
        files = ", ".join(f"{Path(path).name} {size(count)}" for path, count in found)
        self._dropped = event.prompt.text, event.text, tuple(path for path, _ in found)
        words = ATTACHES if len(found) == 1 else "tab attaches them"
        pane.offer_commands([(words, one_line(files, 200))], marked=-1)

    async def _attach_dropped(self, talk: Talk) -> None:
        """Attach the files, and take their names out of the text."""
        if self._dropped is None:
            return
        _, pasted, files = self._dropped
        prompt = talk.pane.prompt
        self._forget_dropped(talk.pane)
        at = prompt.text.rfind(pasted)
        if at >= 0:
            prompt.take_out(at, at + len(pasted))
        for path in files:
            await self.attach(talk, path)

    def _forget_dropped(self, pane: LanePane) -> None:
        if self._dropped is not None:
            self._dropped = None
            pane.offer_commands([])

    @on(Prompt.LargePaste)
    def _large_paste(self, event: Prompt.LargePaste) -> None:
        talk = self.talk_of(event.prompt)
        number = 1 + sum(file.name.startswith("pasted-") for file in talk.outgoing.attached)
        attachment = Attachment(name=f"pasted-{number}.txt", text=event.text)
        talk.attach(attachment)
        count = size(len(event.text.encode(errors="replace")))
        self.say(f"{count} pasted: it goes along as {attachment.name}. alt+u takes it off again.")

    # --- what goes out next -------------------------------------------------------------------------------------

    def action_open_queue(self) -> None:
        """Open the queue of this lane: edit, move and drop the prompts that wait."""
        from llmdesk.tui.screens.queue import QueueScreen

        if self.app.screen is not self:
            return
        if not self.talk.outgoing:
            self.say("No prompt waits. One sent while an answer comes does.")
            return
        self.app.push_screen(QueueScreen(self.talk))

    @on(QueueLine.Chosen)
    async def _queue_clicked(self, event: QueueLine.Chosen) -> None:
        await self.run_action(event.action)

    @on(QueueLine.TakenOff)
    def _taken_off(self, event: QueueLine.TakenOff) -> None:
        talk = next((talk for talk in self.talks.values() if talk.pane.queue_line is event.line), self.talk)
        talk.outgoing.take_off(event.at)

    # --- other ways of writing ----------------------------------------------------------------------------------

    @on(Prompt.HelpAsked)
    def _help_asked(self) -> None:
        self.house.action_open_panel("help")

    @on(Prompt.EditorAsked)
    def _editor_asked(self) -> None:
        from llmdesk.tui.editor import edit_text

        prompt = self.talk.pane.prompt
        text, problem = edit_text(self.app, prompt.text)
        if problem:
            self.say(problem, severity="warning")
        elif text != prompt.text:
            prompt.put(text)


def _read(desk: Desk, path: str) -> Found | str:
    """The file, or those of a folder, or why there is none."""
    try:
        return read_path(desk, path)
    except DeskError as error:
        return str(error)
