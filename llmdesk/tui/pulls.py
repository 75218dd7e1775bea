"""Models being fetched or published: they go on while their panel is closed, and stop when the user says so."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line
from llmdesk.tui.bars import bar
from llmdesk.tui.words import countdown, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.worker import Worker

    from llmdesk.core.types import ModelRef
    from llmdesk.desk import Desk
    from llmdesk.providers.base import PullProgress

REDRAW_S = 0.2
"""How often the progress is drawn at most, seconds."""

SPEED_FROM_S = 2.0
"""A pull that is younger than this has no speed yet, seconds."""

BAR_WIDTH = 16


@dataclass(slots=True)
class Pull:
    """One model on its way, here or (``push``) to a registry. Bytes; ``had`` were there from an earlier try."""

    ref: ModelRef
    push: bool = False
    begun: float = field(default_factory=time.monotonic)
    status: str = "asking"
    _total: dict[str, int] = field(default_factory=dict)
    _done: dict[str, int] = field(default_factory=dict)
    _had: dict[str, int] = field(default_factory=dict)

    def take(self, step: PullProgress) -> None:
        """Note a step; each layer of a model counts on its own."""
        self.status = step.status
        if step.digest and step.total:
            self._total[step.digest] = step.total
            done = step.completed or 0
            self._had.setdefault(step.digest, done)
            self._done[step.digest] = done

    def line(self, width: int) -> Content:
        """Name, bar, share, what is left: as much as there is room for."""
        total, done = sum(self._total.values()), sum(self._done.values())
        name = ("push " if self.push else "") + one_line(str(self.ref), 40)
        if not total:
            return Content(f"{name}: {one_line(self.status, 60)}").truncate(width, ellipsis=True)
        passed_s = time.monotonic() - self.begun
        came = done - sum(self._had.values())
        facts = f" {100 * done // total} % of {size(total)}"
        if passed_s >= SPEED_FROM_S and came > 0:
            left = f", {countdown((total - done) * passed_s / came)} left" if done < total else ""
            facts += f" · {size(int(came / passed_s))}/s{left}"
        drawn = bar(done / total, BAR_WIDTH, style="$success")
        status = "" if done < total else f" · {one_line(self.status, 40)}"
        return Content.assemble(f"{name} ", drawn, facts, (status, "$muted")).truncate(width, ellipsis=True)


class Pulls:
    """The pulls and pushes of one desk, each by its model ref.

    Args:
        app: they belong to it, so that closing a panel ends none.
        say: tells how one ended.
    """

    def __init__(self, app: App[None], say: Callable[..., None]) -> None:
        self._app = app
        self._say = say
        self._under_way: dict[ModelRef, tuple[Pull, Worker[None]]] = {}
        self.changed: Callable[[], None] = lambda: None
        """Told when there is something new to draw; who shows the pulls sets it."""
        self.ended: Callable[[], None] = lambda: None
        """Told when the models that are here are other ones."""

    @property
    def under_way(self) -> tuple[Pull, ...]:
        """What is on its way, oldest first."""
        return tuple(pull for pull, _ in self._under_way.values())

    def begin(self, desk: Desk, ref: ModelRef, *, push: bool = False) -> None:
        """Fetch or publish a model, or go on with it; what is there already does not go twice."""
        if ref in self._under_way:
            under_way, _ = self._under_way[ref]
            self._say(f"{ref} is being {'pushed' if under_way.push else 'pulled'} already.")
            return
        pull = Pull(ref, push=push)
        work = partial(self._follow, desk, pull)
        worker: Worker[None] = self._app.run_worker(work, group=f"pull {ref}")
        self._under_way[ref] = (pull, worker)
        self.changed()

    def stop(self) -> bool:
        """Stop what was begun last; false = nothing is on its way."""
        if not self._under_way:
            return False
        ref, (pull, worker) = list(self._under_way.items())[-1]
        worker.cancel()
        self._end(ref)
        self._say(
            f"{ref}: stopped. What was sent stays there; pushing it again sends the rest."
            if pull.push
            else f"{ref}: stopped. What came stays; pulling it again goes on from there."
        )
        return True

    async def _follow(self, desk: Desk, pull: Pull) -> None:
        drawn = 0.0
        try:
            async for step in (desk.push_model if pull.push else desk.pull_model)(pull.ref):
                pull.take(step)
                if time.monotonic() - drawn >= REDRAW_S:
                    drawn = time.monotonic()
                    self.changed()
        except DeskError as error:
            self._say(str(error), severity="error")
        else:
            self._say(f"{pull.ref} is published." if pull.push else f"{pull.ref} is here.")
        self._end(pull.ref)
        self.ended()

    def _end(self, ref: ModelRef) -> None:
        self._under_way.pop(ref, None)
        self.changed()
