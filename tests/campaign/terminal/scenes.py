"""What somebody does in front of the desk until every foreign text has been on the screen, scene by scene.

Each scene waits for the marks of the texts it is about, so it cannot pass by a text that never arrived.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.campaign.terminal.watched import Watched
    from tests.campaign.terminal.world import HostileWorld


@dataclass(kw_only=True)
class Stage:
    """Somebody in front of the desk in a hostile world; ``copied`` = how the texts begin that were copied by a key."""

    world: HostileWorld
    terminal: Watched
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    seen: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    pictures: bool = False

    def see(self, *marks: str) -> None:
        """Wait until each of these texts is on the screen, made harmless."""
        for mark in marks:
            self.terminal.see(mark)
            self.seen.append(mark)

    def press(self, *keys: str) -> None:
        """Press keys."""
        self.terminal.press(*keys)

    def wait(self, pattern: str) -> None:
        """Wait for a text of the desk's own."""
        self.terminal.wait_for(pattern)

    def panel(self, key: str, heading: str) -> None:
        """Open a panel."""
        self.press(key)
        self.wait(f"llmdesk ─ {heading}")

    def leave(self) -> None:
        """Close what is open, as often as it takes to be in the chat."""
        for _ in range(6):
            self.press("escape")
            text = self.terminal.settle(0.1)
            closed = "╭" not in text and "▔" not in text and not re.search(r"(?m)^ \w+ ▸ ", text)
            if closed and re.search(r"llmdesk ─ \d ", text):
                return
        raise AssertionError(f"the chat never came back; the screen:\n{self.terminal.text}")

    def empty(self) -> None:
        """Have nothing in the prompt, beside it and behind it."""
        self.press("alt+q")
        self.wait("queue of chat")
        self.press("x")
        self.leave()
        self.clear()
        self.slash("/attach none")
        self.terminal.wait_until(lambda text: "zqFILE" not in text, "the end of the file")

    def clear(self) -> None:
        """Have nothing in the prompt."""
        self.press("ctrl+c")
        self.terminal.settle(0.1)

    def to_prompt(self) -> None:
        """Leave a marked turn; where none is, the letter is typed, and taken away again."""
        self.press("i")
        self.terminal.settle(0.1)
        self.press("backspace")
        self.terminal.settle(0.1)

    def slash(self, command: str) -> None:
        """Give a command of the prompt; what follows its name is pasted as it is."""
        self.terminal.slash(command)

    def pasted(self, mark: str, limit: int = 80) -> str:
        """A hostile line as a terminal pastes it: without the characters that it takes out itself."""
        line = self.world.said(mark, limit).replace("\x1b", "\x9b")
        return "".join(char for char in line if ord(char) >= 0x20 and char != "\x7f")

    def rude_paste(self, mark: str) -> None:
        """Paste as tmux does, which takes nothing out; only the end of a paste within it would be one."""
        text = self.world.said(mark).replace("\x1b[201~", "").replace("\0", "")
        self.terminal.paste(text)
        self.terminal.settle()

    def ask(self, lane: int, text: str) -> None:
        """Send a prompt in a lane."""
        self.press(f"alt+{lane}")
        self.wait(f"llmdesk ─ {lane} ")
        self.terminal.paste(text)
        self.terminal.settle()
        self.press("enter")

    def click(self, row: int, column: int) -> None:
        """Click, row and column from 0."""
        at = f"{column + 1};{row + 1}"
        self.terminal.send(f"\x1b[<0;{at}M\x1b[<0;{at}m")

    def click_foreign_text(self) -> None:
        """Click on everything that stands right of a mark: an action hidden in a text would be done."""
        for row, line in enumerate(self.terminal.text.splitlines()):
            for found in re.finditer("zq[A-Z]+[␛\ufffd]", line[:95]):
                for column in range(found.end() + 1, min(found.end() + 40, 95), 4):
                    self.click(row, column)
        self.terminal.settle()


def opening(stage: Stage) -> None:
    """The start: what an earlier run left, what is wrong with the settings, what was found."""
    stage.see("DRAFT", "QUEUED", "FILE", "THEME", "ACTION", "KEY", "PALETTE", "PROGRAM", "INSTALL")
    stage.press("alt+q")
    stage.wait("queue of chat")
    stage.see("QUEUED")
    stage.leave()
    stage.clear()
    stage.terminal.wait_until(lambda text: "zqDRAFT" not in text, "the end of the draft")
    for _ in range(60):  # through the lines of the draft, which is the first that comes back
        if "zqASIDE" in stage.terminal.text:
            break
        stage.press("up", "up")
        stage.terminal.settle(0.05)
    stage.see("ASIDE")


def panels(stage: Stage) -> None:
    """Every panel, and what opens from its rows."""
    stage.see("DRAFT")
    stage.panel("f3", "providers")
    stage.see("PROGRAM")
    stage.press("down", "down", "down", "down", "enter")
    stage.wait("kind +command")
    stage.see("INSTALL")
    stage.leave()
    stage.panel("f4", "budgets")
    stage.see("JOB")
    stage.leave()
    stage.panel("f5", "metrics")
    stage.press("g", "g", "l")
    stage.terminal.settle()
    stage.leave()
    stage.panel("f6", "failovers")
    stage.wait("rate limited")
    stage.press("enter")
    stage.see("OVER", "LIMITED", "ANSWER")
    stage.press("d", "v")
    stage.terminal.settle()
    stage.leave()
    stage.panel("f7", "outbox")
    stage.see("PAUSED", "TOOLS", "MISSING")
    stage.press("enter")
    stage.see("DOWN")
    stage.press("escape", "down")
    stage.terminal.settle()
    stage.press("enter")
    stage.see("STDERR")
    stage.leave()
    stage.panel("f8", "models")
    stage.see("MODEL")
    stage.press("down")
    stage.see("MODEL")
    stage.press("enter")
    stage.see("LICENSE")
    stage.leave()
    stage.panel("f9", "log")
    stage.see("EVENT", "DETAIL", "LOGLINE")
    stage.leave()


def conversations(stage: Stage) -> None:
    """Stored conversations: listed, searched, opened, renamed, marked, looked at in the raw."""
    stage.see("DRAFT")
    stage.empty()
    stage.panel("ctrl+o", "conversations")
    stage.see("TITLE", "TAG", "IMPORTED", "FAILING")
    stage.press("zqPROMPT")
    stage.wait("zqPROMPT.*(\n.*)*zqTITLE")
    stage.see("TITLE")
    stage.press("enter")
    stage.see("TITLE", "PROMPT", "ANSWER")
    stage.slash(f"/rename {stage.pasted('RENAMED')}")
    stage.see("RENAMED")
    stage.slash(f"/tag {stage.pasted('TAGGED').replace(' ', '')}")
    stage.terminal.settle()
    stage.press("ctrl+f")
    stage.terminal.paste("zqANSWER")
    stage.terminal.settle()
    stage.press("escape")
    stage.click_foreign_text()
    stage.leave()
    stage.press("alt+up")
    stage.wait("answer of|prompt of")
    stage.press("v")
    stage.wait("zqPROMPT")
    stage.press("p", "t", "r")
    stage.terminal.settle()
    stage.leave()
    stage.to_prompt()
    stage.slash("/delete")
    stage.terminal.settle()
    stage.press("ctrl+p")
    stage.terminal.settle()
    stage.press("zq")
    stage.see("IMPORTED")
    stage.leave()
    stage.press("ctrl+r")
    stage.wait("zqPROMPT")
    stage.leave()


def answering(stage: Stage) -> None:
    """A hostile answer as it comes, with its reasoning, copied by a key."""
    stage.see("DRAFT")
    stage.empty()
    stage.ask(1, stage.pasted("TYPED"))
    stage.see("TYPED")
    stage.wait("full")
    stage.see("ANSWER")
    stage.press("alt+up")
    stage.wait("answer of")
    stage.press("enter")
    stage.see("REASONING")
    stage.click_foreign_text()
    stage.leave()
    stage.to_prompt()
    stage.copied.append("zqANSWER")
    stage.press("alt+c")
    stage.wait("sent to the terminal")


def failing(stage: Stage) -> None:
    """Servers and tools that fail in hostile words; a question about a target of a hostile name."""
    stage.see("DRAFT")
    stage.empty()
    for lane, mark in ((2, "REFUSAL"), (5, "DOWN"), (6, "STDERR"), (7, "PROGRAM")):
        stage.ask(lane, "hello")
        stage.see(mark)
    stage.ask(4, "hello")
    stage.wait("Ask local/")
    stage.see("TARGET")
    stage.press("alt+y")
    stage.wait("✔ full")
    stage.press("f2")
    stage.see("TARGET")
    stage.leave()
    stage.terminal.settle(0.3)  # an escape and an alt key in one read are one sequence
    stage.press("alt+t")
    stage.see("MODEL")
    stage.leave()
    stage.slash("/lanes")
    stage.wait("llmdesk ─ lanes")
    stage.press("down", "down", "down")
    stage.see("TARGET")
    stage.leave()


_ARGUMENTS = (
    "/lane", "/model", "/params", "/theme", "/reasoning", "/attach", "/prompt", "/import", "/export md", "/retry",
    "/conversations", "/find", "/compare", "/copy file", "/tag", "/new", "/unknown",
)  # fmt: skip


def typing(stage: Stage) -> None:
    """What is typed, pasted, completed, attached and chosen; commands with hostile arguments."""
    stage.see("DRAFT")
    stage.empty()
    stage.press(f"see @{stage.world.files}/zq")
    stage.see("FOUND", "SEEN")
    stage.press("tab")
    stage.leave()
    stage.clear()
    stage.slash("/prompt")
    stage.see("LIBRARY")
    stage.leave()
    found = next(iter(sorted(stage.world.files.iterdir())))
    stage.slash(f'/attach "{found}"')
    stage.see("FOUND")
    stage.slash("/attach none")
    for command in stage.chance.sample(_ARGUMENTS, 6):
        stage.slash(f"{command} {stage.pasted('ARGUMENT')}")
        stage.terminal.settle(0.1)
        stage.leave()
        stage.clear()
    stage.rude_paste("PASTED")
    stage.see("PASTED")
    stage.leave()


SCENES: Mapping[str, Callable[[Stage], None]] = {
    scene.__name__: scene for scene in (opening, panels, conversations, answering, failing, typing)
}
