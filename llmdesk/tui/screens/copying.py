"""Copying out of the conversation: an answer, a prompt, one code block after the other, or all of it into a file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from llmdesk.core.text import one_line, sanitise
from llmdesk.tui.own_files import write_new
from llmdesk.tui.screens.marking import MarkingScreen
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, UserEntry, VersionEntry

if TYPE_CHECKING:
    from llmdesk.tui.screens.lanes import LanedScreen
    from llmdesk.tui.transcript.entries import Entry


class CopyingScreen(MarkingScreen):
    """A screen out of which texts are copied."""

    def __init__(self, *, lane: str) -> None:
        super().__init__(lane=lane)
        self._block: tuple[int, int] | None = None
        """The entry a code block was copied of last, and which one, from 0."""

    def action_copy_answer(self) -> None:
        """Copy the last answer as it was received."""
        turn = self.talk.record.turns.last_answered
        if turn is None or turn.answer is None:
            self.say("There is no answer yet.")
        else:
            self._copy_entry(turn.answer)

    def action_copy_turn(self) -> None:
        """Copy the marked entry as it was received."""
        found = self.acted_on()
        if found is None:
            self.say("There is nothing to copy yet.")
        else:
            self._copy_entry(found[0])

    def _copy_entry(self, key: int) -> None:
        view = self.talk.pane.transcript
        text = sanitise(view.text_of(key))
        if text.strip():
            growing = key == self.talk.record.answering_key
            self.house.copy(text, "Answer so far" if growing else _name_of(view.entry(key)))
        else:
            self.say("There is no text in it yet.")

    def action_copy_code(self) -> None:
        """Copy the last code block of the last answer; again: the one before."""
        turn = self.talk.record.turns.last_answered
        if turn is None or turn.answer is None:
            self.say("There is no answer yet.")
        else:
            self._copy_block(turn.answer, -1)

    def action_copy_block(self) -> None:
        """Copy the first code block of the marked entry; again: the next."""
        found = self.acted_on()
        if found is None:
            self.say("There is nothing to copy yet.")
        else:
            self._copy_block(found[0], 1)

    def _copy_block(self, key: int, by: int) -> None:
        blocks = self.talk.pane.transcript.code_blocks(key)
        if not blocks:
            self.say("There is no code block in it.")
            return
        if self._block is not None and self._block[0] == key:
            at = (self._block[1] + by) % len(blocks)
        else:
            at = 0 if by > 0 else len(blocks) - 1
        self._block = key, at
        language = one_line(blocks[at].language, 30)
        of = f" ({language})" if language else ""
        self.house.copy(sanitise(blocks[at].text), f"Block {at + 1} of {len(blocks)}{of}")


def _name_of(entry: Entry) -> str:
    match entry:
        case AnswerEntry():
            return "Discarded text" if entry.state is AnswerState.DISCARDED else "Answer"
        case UserEntry():
            return "Prompt"
        case VersionEntry():
            return "Earlier version"
        case _:
            return "Summary"


# --- slash commands ---------------------------------------------------------------------------------------------


async def copy(chat: LanedScreen, argument: str) -> None:
    """``/copy``: the last answer; ``code`` a block of it; ``file [PATH]`` into a file."""
    assert isinstance(chat, CopyingScreen)
    word, _, rest = argument.partition(" ")
    match word:
        case "":
            chat.action_copy_answer()
        case "code":
            chat.action_copy_code()
        case "file":
            await _copy_into_file(chat, rest.strip())
        case _:
            chat.say("/copy, /copy code or /copy file [PATH].", severity="warning")


async def _copy_into_file(chat: CopyingScreen, path: str) -> None:
    answer = chat.talk.record.last_answer
    if not answer.strip():
        chat.say("There is no answer yet.")
        return
    await write_file(chat, sanitise(answer), path, stem="llmdesk-answer", form="md")


async def write_file(chat: LanedScreen, text: str, path: str, *, stem: str, form: str) -> None:
    """Write a file of the user's own, and say where; a file that is there already is never written over."""
    try:
        written = await asyncio.to_thread(write_new, text, stem=stem, form=form, path=path)
    except FileExistsError as error:
        chat.say(f"{error.filename or path} is there already.", severity="error")
    except OSError as error:
        chat.say(f"The file could not be written: {error.strerror or error}.", severity="error")
    else:
        chat.say(f"Written to {written}.")
