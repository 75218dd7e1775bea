"""What every command is given: the wishes of the command line, the streams, and the way to a desk."""

from __future__ import annotations

import codecs
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

from llmdesk.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from llmdesk.cli.signals import Signals
    from llmdesk.desk import Desk

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


class DeskMaker(Protocol):
    """How a desk is built; the composition root, or a test's own."""

    def __call__(self, *, config: Path | None, env: Mapping[str, str] | None = None) -> Desk:
        """Build a desk from ``config`` (``None`` = the usual place) and ``env`` (``None`` = the process's own)."""
        ...


def default_desk(*, config: Path | None, env: Mapping[str, str] | None = None) -> Desk:
    """Build the real desk; everything heavy is imported here and not before."""
    from llmdesk.wiring import make_desk

    return make_desk(config=config, env=env)


@dataclass(slots=True, kw_only=True)
class Session:
    """One run of the program. The fields up to ``no_color`` are the options that every command takes."""

    config: Path | None = None
    json: bool = False
    no_input: bool = False
    yes: bool = False
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: TextIO | None = field(default=None, repr=False)
    stdout: TextIO | None = field(default=None, repr=False)
    stderr: TextIO | None = field(default=None, repr=False)
    demo: bool = False
    """Whether the desk that ``run`` opened is thrown away at the end."""
    told: set[str] = field(default_factory=set, repr=False)
    """The warnings that were said already."""
    make_desk: DeskMaker = default_desk
    now: Callable[[], float] = time.time
    _out: Output | None = field(default=None, repr=False)

    @property
    def out(self) -> Output:
        """The writer, made when it is first needed: after the options are known."""
        if self._out is None:
            self._out = Output(
                stdout=self.stdout,
                stderr=self.stderr,
                quiet=self.quiet,
                verbose=self.verbose,
                color=not (self.no_color or self.env.get("NO_COLOR")),
                plain_terminal=self.plain_terminal,
            )
        return self._out

    @property
    def plain_terminal(self) -> bool:
        """Whether the terminal cannot, or its user does not want to, have lines rewritten."""
        return self.accessible or self.env.get("TERM") in ("dumb", "unknown")

    @property
    def accessible(self) -> bool:
        """Whether the user listens, or wants lines for another reason.

        ``ACCESSIBLE`` is what several programs for terminals understand (first: charmbracelet/huh, readme); ours goes
        before it.
        """
        wish = self.env.get("LLMDESK_ACCESSIBLE") or self.env.get("ACCESSIBLE") or ""
        return wish.lower() not in ("", "0", "false", "no")

    @property
    def foreign_encoding(self) -> str:
        """The encoding of the terminal, where that is not UTF-8, in which alone a screen can be painted; else empty."""
        names = [sink.encoding for sink in (self.out.stdout, self.out.stderr)]
        return next((name for name in names if codecs.lookup(name).name != "utf-8"), "")

    @property
    def reads_terminal(self) -> bool:
        """Whether a person types into stdin."""
        return self.stdin is not None and not self.stdin.closed and self.stdin.isatty()

    @property
    def has_screen(self) -> bool:
        """Whether a person sits at a terminal that can be painted."""
        named = bool(self.env.get("TERM")) or os.name == "nt"  # one without a name is taken for one that only prints
        at_terminal = self.reads_terminal and self.out.stdout.is_terminal
        return at_terminal and named and not self.plain_terminal and not self.foreign_encoding

    @property
    def on_page(self) -> bool:
        """Whether stdin and stdout lead to a browser's page, by Textual's web driver, and not to a terminal."""
        return bool(self.env.get("TEXTUAL_DRIVER"))

    @property
    def can_ask(self) -> bool:
        """Whether a person sees a question on stderr and can answer it on stdin."""
        return self.reads_terminal and self.out.stderr.is_terminal

    def confirm(self, question: str) -> bool:
        """Ask on stderr; ``--yes`` answers yes, ``--no-input`` or a question that nobody would see answers no."""
        if self.yes:
            return True
        if self.no_input or not self.can_ask or self.stdin is None:
            return False
        self.out.prompt(f"{question} [y/N] ")
        return self.stdin.readline().strip().lower() in ("y", "yes")

    def nothing(self, desk: Desk, text: str) -> None:
        """Say that there is nothing, and what may be the reason: a disk that cannot be used, for example."""
        self.tell(desk.warnings)
        self.out.say(text)

    def tell(self, warnings: Iterable[str]) -> None:
        """Say each warning, once in a run of the program."""
        for warning in warnings:
            if warning not in self.told:
                self.told.add(warning)
                self.out.say(f"note: {warning}")

    def desk(self, *, demo: bool = False, scene: bool = False) -> AbstractAsyncContextManager[Desk]:
        """Open a desk; with ``demo`` against the simulated servers, in a throw-away folder."""
        return _demo_desk(self.make_desk, scene=scene) if demo else self.make_desk(config=self.config)

    def run(self, work: Callable[[Desk, Signals], Awaitable[int]], *, demo: bool = False, scene: bool = False) -> int:
        """Open a desk, do ``work`` with it and return the exit code; a signal ends it in order, with 128 + n."""
        import asyncio

        from llmdesk.cli.signals import Signals

        self.demo = demo

        async def opened() -> int:
            with Signals() as signals:
                try:
                    async with self.desk(demo=demo, scene=scene) as desk:
                        before = set(desk.warnings)
                        code = await work(desk, signals)
                        self.tell(warning for warning in desk.warnings if warning not in before)
                except asyncio.CancelledError:
                    if signals.received is None:
                        raise
                    code = EXIT_FAILED
                return signals.exit_code if code != EXIT_OK and signals.received is not None else code

        return asyncio.run(opened())


@asynccontextmanager
async def _demo_desk(make_desk: DeskMaker, *, scene: bool) -> AsyncIterator[Desk]:
    from llmdesk.demo import demo_world

    async with demo_world(scene=scene) as world, make_desk(config=None, env=world.environment) as desk:
        yield desk
