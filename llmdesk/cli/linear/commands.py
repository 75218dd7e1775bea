"""The slash commands of the linear mode as data, and how one is carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from llmdesk.cli.linear import lanes, looking, shelving, turns
from llmdesk.core.errors import DeskError
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.cli.linear.conversation import Linear

Do = Callable[["Linear", str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command. ``argument`` shows what may follow, in brackets when it may be left out; empty = nothing."""

    name: str
    help: str
    do: Do
    argument: str = ""


async def _help(linear: Linear, argument: str) -> None:
    wanted = argument.removeprefix("/")
    for command in COMMANDS:
        if wanted in ("", command.name):
            usage = f"/{command.name} {command.argument}".rstrip()
            linear.out.say(f"{usage}: {command.help}.")
    if not wanted:
        for line in NOTES:
            linear.out.say(line)


async def _quit(_linear: Linear, _argument: str) -> None:
    """Leaving is what ``obey`` returns."""


NOTES = (
    "Everything else is a prompt. A line that begins with // is a prompt that begins with /.",
    'A prompt of several lines: end each but the last with a backslash, or put """ before and after all of them.',
    "While an answer comes: /now, /next and /cancel steer it; other lines wait for their turn.",
    "Ctrl+C stops the answer and keeps what came; pressed twice with no answer under way, it leaves.",
)

COMMANDS: tuple[Command, ...] = (
    Command(name="help", argument="[COMMAND]", help="the commands", do=_help),
    Command(name="lane", argument="[NAME]", help="go to another lane; alone, list them", do=lanes.lane),
    Command(name="model", argument="[PROVIDER/MODEL or default]", help="ask this model in this lane", do=lanes.model),
    Command(
        name="params", argument="[NAME=VALUE ... or default]", help="temperature, seed and the like, in this lane",
        do=lanes.params,
    ),
    Command(
        name="reasoning", argument="[show, off, low, medium, high or default]",
        help="read the last reasoning out, or say how much the model may reason", do=lanes.reasoning,
    ),
    Command(name="attach", argument="PATH or none", help="send a file along with the next prompt", do=lanes.attach),
    Command(name="tokens", help="how many tokens the conversation would send", do=lanes.tokens),
    Command(name="new", help="begin a new conversation in this lane", do=shelving.new),
    Command(name="conversations", argument="[WORDS]", help="list or search conversations", do=shelving.conversations),
    Command(name="search", argument="WORDS", help="search all conversations", do=shelving.search),
    Command(name="open", argument="NUMBER or ID", help="go on with a listed conversation", do=shelving.open_one),
    Command(name="read", argument="[COUNT]", help="read the last turns out", do=shelving.read),
    Command(name="rename", argument="TITLE", help="give the conversation another title", do=shelving.rename),
    Command(name="tag", argument="[WORD ...]", help="tags of the conversation; none takes them away", do=shelving.tag),
    Command(name="pin", help="keep the conversation above the others, or no longer", do=shelving.pin),
    Command(name="archive", help="put the conversation away, or take it back", do=shelving.archive),
    Command(name="delete", help="delete the conversation; /undelete has it back", do=shelving.delete),
    Command(name="undelete", help="have the conversation deleted last back", do=shelving.undelete),
    Command(name="export", argument="[md or json] [FILE]", help="write the conversation to a file", do=shelving.export),
    Command(name="copy", argument="[code] FILE", help="write the last answer, or its last code, to a file",
            do=turns.copy),
    Command(name="retry", argument="[PROVIDER/MODEL]", help="ask the last prompt again", do=turns.retry),
    Command(name="edit", argument="PROMPT", help="ask this instead of the last prompt", do=turns.edit),
    Command(name="continue", help="let an answer that broke off go on", do=turns.continue_answer),
    Command(name="fork", help="go on from here in a new conversation", do=turns.fork),
    Command(name="compact", help="sum the conversation up; the summary goes along from then on", do=turns.compact),
    Command(name="providers", argument="[check]", help="how each provider is", do=looking.providers),
    Command(name="models", argument="[PROVIDER]", help="the models that can be asked", do=looking.models),
    Command(name="budget", help="what each budget has left", do=looking.budget),
    Command(name="stats", argument="[day, week, month or all]", help="what was used, by model", do=looking.stats),
    Command(name="failovers", help="what failed over, the newest first", do=looking.failovers),
    Command(
        name="outbox", argument="[retry, now or drop NUMBER]", help="the paused requests, and asking them again",
        do=turns.outbox,
    ),
    Command(name="doctor", help="look at everything once", do=looking.doctor),
    Command(name="quit", help="leave; so does the end of the input", do=_quit),
)  # fmt: skip

BY_NAME = {command.name: command for command in COMMANDS}


async def obey(linear: Linear, line: str) -> bool:
    """Carry out a slash command; a mistake in it is told. False = leave."""
    word, _, argument = line.strip().partition(" ")
    name = word[1:].lower()
    if name in ("quit", "exit", "q"):
        return False
    command = BY_NAME.get(name)
    if command is None:
        close = get_close_matches(name, BY_NAME, n=1)
        meant = f" Did you mean /{close[0]}?" if close else ""
        linear.out.complain(f"error: there is no command {word} here.{meant} /help lists them.")
        return True
    try:
        await command.do(linear, argument.strip())
    except DeskError as error:
        linear.out.complain(f"error: {error}")
    return True
