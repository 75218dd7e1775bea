"""The slash commands as data: name, what may follow, and one line of help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command. ``argument`` shows what may follow, in brackets when it may be left out; empty = nothing."""

    name: str
    help: str
    argument: str = ""

    @property
    def needs_argument(self) -> bool:
        """It cannot run on its own."""
        return bool(self.argument) and not self.argument.startswith("[")


COMMANDS: tuple[Command, ...] = (
    Command(name="help", help="Keys and commands"),
    Command(name="new", help="Begin a new conversation in this lane"),
    Command(name="lane", argument="NAME", help="Go to another lane"),
    Command(name="model", argument="[PROVIDER/MODEL | default]", help="Ask this model instead of the lane's targets"),
    Command(name="conversations", argument="[WORDS]", help="List or search conversations"),
    Command(name="export", argument="[md | json]", help="Write this conversation to a file in this folder"),
    Command(name="copy", argument="[code]", help="Copy the last answer, or its last code block"),
    Command(name="edit", help="Take the last prompt back into the editor"),
    Command(name="retry", help="Ask the last prompt again"),
    Command(name="tokens", help="Say how many tokens the next prompt would send"),
    Command(name="stats", help="Metrics: speed, first token, cost, errors"),
    Command(name="budget", help="Budgets: spent, left, when they reset"),
    Command(name="providers", help="Providers and cooldowns"),
    Command(name="failovers", help="Failover history"),
    Command(name="outbox", help="Paused requests"),
    Command(name="theme", argument="[NAME]", help="Change the colours"),
    Command(name="reasoning", argument="[off | low | medium | high | default]", help="How much the model may reason"),
    Command(name="attach", argument="PATH | none", help="Send a text or image file along with the next prompt"),
    Command(name="doctor", help="Look at versions, paths, providers, database"),
    Command(name="quit", help="Leave"),
)

BY_NAME = {command.name: command for command in COMMANDS}


def matching(text: str) -> list[Command]:
    """Commands whose name begins with what is typed after the slash; none once an argument is begun."""
    if not text.startswith("/") or any(char.isspace() for char in text):
        return []
    return [command for command in COMMANDS if command.name.startswith(text[1:].lower())]


def parse(text: str) -> tuple[Command, str] | None:
    """Read ``/name argument``; ``None`` when it is not a command of ours (a path, for example), so it is a prompt."""
    line = text.strip()
    if not line.startswith("/") or "\n" in line:
        return None
    name, _, argument = line[1:].partition(" ")
    command = BY_NAME.get(name.lower())
    return (command, argument.strip()) if command is not None else None


_MENTION = re.compile(r"(?<!\S)@(\S+)")


def mentioned_files(text: str) -> list[str]:
    """The ``@path`` words of a prompt that are files here; any other word with an ``@`` is only a word."""
    found: list[str] = []
    for word in _MENTION.findall(text):
        path = word.rstrip(".,;:!?)")
        try:
            is_file = Path(path).expanduser().is_file()
        except (OSError, RuntimeError, ValueError):
            is_file = False
        if is_file and path not in found:
            found.append(path)
    return found
