"""The command classes: options that every command takes, help through our own writer, commands loaded when they run."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmdesk.cli.session import Session
from llmdesk.core.errors import UsageError
from llmdesk.core.text import has_visible, storable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from click.shell_completion import CompletionItem

    _TextType = click.ParamType[str]
else:
    _TextType = click.ParamType  # generic only since click 8.4


class Text(_TextType):
    """Text from the command line; bytes that are no characters become U+FFFD (policy Q4)."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return ``value`` as text that everything behind can hold: UTF-8, whatever the locale says."""
        text = str(value)
        if not text.isascii():
            with suppress(UnicodeError):  # in a locale without these characters their bytes came as surrogates
                text = os.fsencode(text).decode() if any("\udc80" <= char <= "\udcff" for char in text) else text
        return storable(text)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """What a shell is offered: names of the user's, where the option or argument takes one."""
        from click.shell_completion import CompletionItem

        from llmdesk.cli.offered import names_for

        return [CompletionItem(name) for name in names_for(ctx, param.name, incomplete)]


class FileName(_TextType):
    """The name of a file as it was given, or a dash; a shell is to offer files."""

    name = "file"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Leave it to the shell, which knows the files."""
        from click.shell_completion import CompletionItem

        del ctx, param
        return [CompletionItem(incomplete, type="file")]


class Named(Text):
    """The name of a lane, an agent or a job; nothing is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return ``value`` as a name.

        Raises:
            click.BadParameter: it is empty.
        """
        name = super().convert(value, param, ctx)
        if not has_visible(name):
            self.fail("the name is empty; leave the option out where there is none.", param, ctx)
        return name


class Seconds(click.types.FloatParamType):
    """A length of time, seconds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return ``value`` as seconds.

        Raises:
            click.BadParameter: it is no number.
            UsageError: it is no length of time.
        """
        seconds = float(super().convert(value, param, ctx))
        if not 0 < seconds < float("inf"):
            option = param.opts[0] if param is not None else "The time"
            raise UsageError(f"{option} {seconds:g}: it must be a number of seconds above 0.")
        return seconds


TEXT = Text()
FILE = FileName()
NAME = Named()
SECONDS = Seconds()


def _wish(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Note a common option; given before or after the command, it counts once."""
    session = ctx.find_object(Session)
    if value and session is not None and param.name:
        setattr(session, param.name, value)


def _help(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    session = ctx.find_object(Session)
    if not value or ctx.resilient_parsing or session is None:
        return
    session.out.line(ctx.get_help())
    ctx.exit()


def _common() -> list[click.Parameter]:
    def flag(name: str, text: str) -> click.Option:
        return click.Option([name], is_flag=True, expose_value=False, is_eager=True, callback=_wish, help=text)

    return [
        click.Option(
            ["--config"],
            metavar="FILE",
            type=click.Path(path_type=Path),
            expose_value=False,
            is_eager=True,
            callback=_wish,
            help="Use this configuration file.",
        ),
        flag("--json", "Print JSON: one object, or one a line for lists."),
        flag("--no-input", "Never ask; a question counts as no."),
        flag("--yes", "Answer every question with yes."),
        flag("--quiet", "Only data and errors."),
        flag("--verbose", "Say more about what happens."),
        flag("--no-color", "No colours."),
        click.Option(
            ["-h", "--help"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_help,
            help="Show this message and exit.",
        ),
    ]


class DeskCommand(click.Command):
    """A command with the options that all share; they come last in its help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "add_help_option": False})
        self.params = [*self.params, *_common()]


class DeskGroup(click.Group):
    """A group of commands; ``default`` names the one that runs, with the options that are given, where none is."""

    command_class = DeskCommand

    def __init__(self, *args: Any, default: str | None = None, **kwargs: Any) -> None:
        self._needs_command = default is None and not kwargs.pop("invoke_without_command", False)
        options = {"invoke_without_command": True, "add_help_option": False, "no_args_is_help": False}
        super().__init__(*args, **{**kwargs, **options})
        self.params = [*self.params, *_common()]
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the common options; the first other one belongs to the default command."""
        place = self._first_foreign_option(args) if self._default is not None else None
        if place is not None and self._default is not None:
            args = [*args[:place], self._default, *args[place:]]
        return super().parse_args(ctx, args)

    def _first_foreign_option(self, args: list[str]) -> int | None:
        """Where an option that the group does not have comes before any command; ``None`` = nowhere."""
        takes_value = {name: not getattr(param, "is_flag", True) for param in self.params for name in param.opts}
        place = 0
        while place < len(args) and args[place].startswith("-"):
            name, equals, _ = args[place].partition("=")
            if name not in takes_value:
                return place
            place += 2 if takes_value[name] and not equals else 1
        return None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named, or the default one."""
        result = super().invoke(ctx)
        if ctx.invoked_subcommand is None and self._needs_command:
            ctx.fail(f"Which command? There are: {', '.join(self.list_commands(ctx))}.")
        if ctx.invoked_subcommand is None and self._default is not None:
            return ctx.invoke(self.commands[self._default])
        return result

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        name = str(args[0])
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing and not name.startswith("-"):
            close = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            meant = f" Did you mean '{close[0]}'?" if close else f" Known: {', '.join(self.list_commands(ctx))}."
            ctx.fail(f"There is no command '{storable(name)}'.{meant}")
        return super().resolve_command(ctx, args)


class LazyGroup(DeskGroup):
    """The root: knows each command's name and one line about it, and imports its module only when it runs.

    ``lazy`` maps a name to (module, one line); the module's ``command`` is the command.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of ``cmd_name``."""
        if cmd_name not in self._lazy:
            return None
        command: click.Command = import_module(self._lazy[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._lazy.items()])


Decorator = Callable[[Callable[..., Any]], DeskCommand]


def desk_command(name: str, **attributes: Any) -> Decorator:
    """Declare a command with the common options."""
    return click.command(name, cls=DeskCommand, **attributes)


def desk_group(name: str, *, default: str | None = None) -> Callable[[Callable[..., Any]], DeskGroup]:
    """Declare a group with the common options."""
    return click.group(name, cls=DeskGroup, default=default)
