"""What the prompt of the lane on the screen tells: a text is sent, a command is run or completed, much is pasted."""

from __future__ import annotations

import asyncio

from textual import on

from llmdesk.core.views import Attachment
from llmdesk.tui.commands import Command, matching, mentioned_files, parse
from llmdesk.tui.screens.lanes import LanedScreen
from llmdesk.tui.widgets.prompt import Prompt
from llmdesk.tui.words import size


class WritingScreen(LanedScreen):
    """A screen whose prompts are heard."""

    @on(Prompt.Sent)
    async def _sent(self, event: Prompt.Sent) -> None:
        talk = self.talk
        talk.pane.prompt.put("")
        talk.pane.prompt.history.checkpoint()
        found = parse(event.text)
        if found is not None:
            talk.pane.prompt.remember(event.text)
            command, argument = found
            await self.run_command(command, argument)
            return
        for path in await asyncio.to_thread(mentioned_files, event.text):
            await self.attach(talk, path)
        talk.submit(event.text)

    async def run_command(self, command: Command, argument: str) -> None:
        """Do what a slash command says."""
        from llmdesk.tui.screens.slash import run_command

        await run_command(self, command, argument)

    @on(Prompt.Edited)
    def _edited(self, event: Prompt.Edited) -> None:
        if event.text:
            self.forget_interrupt()
        commands = [] if event.recalled else matching(event.text)
        self.talk.pane.offer_commands(
            [(f"/{command.name}", _help_line(command.help, command.argument)) for command in commands]
        )

    @on(Prompt.Completing)
    async def _completing(self, event: Prompt.Completing) -> None:
        pane = self.talk.pane
        match event.step:
            case "up":
                pane.completion.step(-1)
            case "down":
                pane.completion.step(1)
            case _:
                command = parse(pane.completion.choice)
                if command is None:
                    return
                if event.step == "run" and not command[0].needs_argument:
                    pane.prompt.put("")
                    await self._sent(Prompt.Sent(pane.completion.choice or f"/{command[0].name}"))
                else:
                    pane.prompt.put(f"/{command[0].name} ")

    @on(Prompt.LargePaste)
    def _large_paste(self, event: Prompt.LargePaste) -> None:
        number = 1 + sum(file.name.startswith("pasted-") for file in self.talk.outgoing.attached)
        attachment = Attachment(name=f"pasted-{number}.txt", text=event.text)
        self.talk.attach(attachment)
        self.say(f"{size(len(event.text.encode()))} pasted: it goes along as {attachment.name}.")

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


def _help_line(help_text: str, argument: str) -> str:
    return f"{argument}  {help_text}" if argument else help_text
