"""The slash commands as data: name, what may follow, and one line of help."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass
from llmdesk.tui.actions import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator


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


_TOLD: tuple[Command, ...] = (
    Command(name="help", help="Keys and commands"),
    # --- lanes and models
    Command(name="lane", argument="NAME", help="Go to another lane"),
    Command(name="model", argument="[PROVIDER/MODEL | default]", help="Ask this model instead of the lane's targets"),
    Command(name="params", argument="[NAME=VALUE … | default]", help="Temperature, seed and the like, in this lane"),
    Command(name="reasoning", argument="[off | low | medium | high | default]", help="How much the model may reason"),
    Command(name="compare", argument="[LANE LANE …]", help="One prompt to several lanes, side by side"),
    Command(name="lanes", help="Look at the lanes and change them"),
    # --- conversations
    Command(name="new", help="Begin a new conversation in this lane"),
    Command(name="conversations", argument="[WORDS]", help="List or search conversations"),
    Command(name="find", argument="[WORDS]", help="Find in this conversation"),
    Command(name="rename", argument="TITLE", help="Give this conversation another title"),
    Command(name="tag", argument="[WORD …]", help="Tags of this conversation; none takes them away"),
    Command(name="pin", help="Keep this conversation above the others, or no longer"),
    Command(name="archive", help="Put this conversation away, or take it back"),
    Command(name="delete", help="Delete this conversation; it can be had back for ten minutes"),
    Command(name="export", argument="[md | json] [PATH]", help="Write this conversation to a file"),
    Command(name="import", argument="PATH", help="Conversations from an export of ChatGPT or oterm"),
    Command(name="compact", help="Let the model sum up the conversation; the summary goes along from then on"),
    # --- answers
    Command(name="copy", argument="[code | file [PATH]]", help="Copy the last answer or code, or write a file"),
    Command(name="edit", help="Edit the last prompt and send it again"),
    Command(name="retry", argument="[PROVIDER/MODEL]", help="Ask the last prompt again"),
    Command(name="continue", help="Let an answer that was cut go on"),
    Command(name="fork", help="Go on from here in a new conversation"),
    Command(name="open", help="Open the last answer in your editor"),
    Command(name="raw", help="What was sent and received, byte for byte"),
    Command(name="turn", help="Mark a turn, to act on it"),
    # --- what goes out
    Command(name="attach", argument="PATH | clipboard | none", help="Send a file, a folder or the clipboard along"),
    Command(name="prompt", argument="[NAME]", help="A prompt of your own from the library"),
    Command(name="queue", help="Edit, move and drop the prompts that wait"),
    Command(name="go", help="Send the prompts that wait"),
    Command(name="recall", help="Search the prompts sent before"),
    Command(name="tokens", help="Say how many tokens the next prompt would send"),
    # --- while something is waited for
    Command(name="now", help="Retry now"),
    Command(name="next", help="Go to the next target"),
    Command(name="elsewhere", help="Send what waits in another lane"),
    Command(name="yes", help="Consent: ask the next target"),
    Command(name="no", help="No consent: pause the request"),
    # --- panels
    Command(name="providers", help="Providers and cooldowns"),
    Command(name="budget", help="Budgets: spent, left, when they reset"),
    Command(name="stats", help="Metrics: speed, first token, cost, errors"),
    Command(name="failovers", help="Failover history"),
    Command(name="outbox", help="Paused requests"),
    Command(name="models", help="Models: pull, copy, create, delete, what runs"),
    Command(name="log", help="What the program did"),
    Command(name="sidebar", help="Show or hide the sidebar"),
    # --- the desk
    Command(name="theme", argument="[NAME]", help="Change the colours"),
    Command(name="keys", help="Keys: change them, see what the terminal keeps"),
    Command(name="reload", help="Read the settings again"),
    Command(name="tour", help="A short tour of the desk"),
    Command(name="doctor", help="Look at versions, paths, providers, database"),
    Command(name="quit", help="Leave"),
)


def all_commands() -> Iterator[Command]:
    """Those told above, and behind the panels one for each action that names another."""
    known = {command.name for command in _TOLD}
    more = {action.command: action for action in reversed(ACTIONS) if action.command and action.command not in known}
    for command in _TOLD:
        if command.name == "sidebar":
            yield from (Command(name=name, help=action.help) for name, action in reversed(more.items()))
        yield command


COMMANDS: tuple[Command, ...] = tuple(all_commands())
BY_NAME = {command.name: command for command in COMMANDS}


def matching(text: str) -> list[Command]:
    """Commands whose name begins with what is typed after the slash; none once an argument is begun."""
    if not text.startswith("/") or any(char.isspace() for char in text):
        return []
    return [command for command in COMMANDS if command.name.startswith(text[1:].lower())]


def parse(text: str) -> tuple[Command, str] | None:
    """Read ``/name argument``; ``None`` when it is not a command of ours (a path, for example), so it is a prompt.

    A space before the slash, or a second slash, makes a text of it.
    """
    line = text.rstrip()
    if not line.startswith("/") or "\n" in line:
        return None
    name, _, argument = line[1:].partition(" ")
    command = BY_NAME.get(name.lower())
    return (command, argument.strip()) if command is not None else None


def as_prompt(text: str) -> str:
    """The text to send: ``//help`` is the text ``/help``."""
    return text[1:] if text.startswith("//") else text


_LIKE_A_COMMAND = re.compile(r"/([A-Za-z]{2,20})(?: [^\n]*)?")


def meant(text: str) -> tuple[str, str] | None:
    """A mistyped command and the one that was probably meant; ``None`` = it looks like no command of ours.

    Only a single line that begins with a slash and a word of letters can be one: ``/etc/hosts`` is a path.
    """
    found = _LIKE_A_COMMAND.fullmatch(text.rstrip())
    if found is None or (word := found[1].lower()) in BY_NAME:
        return None
    near = [name for name in BY_NAME if name.startswith(word)] or _near(word)
    return (found[1], near[0]) if near else None


def _near(word: str) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(word, BY_NAME, n=1, cutoff=0.7)


_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|(\S+))')


def mentioned_files(text: str) -> list[str]:
    """The ``@path`` words of a prompt that are files here, or folders; any other word with an ``@`` is only a word.

    A path with spaces stands in quotes: ``@"a b.txt"``. A folder ends with a slash, else many a word would be one.
    """
    found: list[str] = []
    for quoted, word in _MENTION.findall(text):
        path = next((each for each in (quoted, word, word.rstrip(".,;:!?)")) if each and _is_there(each)), None)
        if path is not None and path not in found:
            found.append(path)
    return found


def _is_there(path: str) -> bool:
    try:
        where = Path(path).expanduser()
        return where.is_file() or (path.endswith("/") and path.strip("/") != "" and where.is_dir())
    except (OSError, RuntimeError, ValueError):
        return False
