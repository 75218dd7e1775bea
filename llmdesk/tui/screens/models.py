"""Models: what each provider offers, what is in memory; pull and push with progress, copy, create, delete."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.content import Content
from textual.widgets import Input, Static

from llmdesk.core.errors import DeskError
from llmdesk.core.text import one_line, sanitise
from llmdesk.core.types import ModelRef
from llmdesk.core.values import dataclass
from llmdesk.core.views import Topic
from llmdesk.tui.beside import beside
from llmdesk.tui.fresh import Fresh
from llmdesk.tui.hints import press_again
from llmdesk.tui.screens.list_panel import ListPanel, Row
from llmdesk.tui.widgets.keys_line import KeysLine
from llmdesk.tui.words import clock, size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence

    from textual.widget import Widget

    from llmdesk.core.views import ModelRow
    from llmdesk.desk import Desk
    from llmdesk.providers.base import RunningModel

BILLION = 1e9

YEAR_S = 366 * 86_400.0
"""A model that is to be unloaded later than this, seconds, stays in memory."""

Order = Literal["name", "size", "changed last"]
ORDERS: tuple[Order, ...] = ("name", "size", "changed last")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is typed below the table, and what is done with it."""

    text: str
    value: str
    take: Callable[[str], Coroutine[None, None, None]]


PUSH, STOP = ("model_push", "push"), ("model_cancel", "stop")
"""What the last line tells by turns: as long as something is on its way, how to stop it."""


class ModelsScreen(ListPanel):
    """Every model that can be asked."""

    panel: ClassVar = "models"
    heading: ClassVar[str] = "models"
    columns: ClassVar[tuple[str, ...]] = (
        "provider", "model", "size", "quant", "parameters", "context", "in memory", "can",
    )  # fmt: skip
    elastic: ClassVar[tuple[str, ...]] = ("can", "in memory")
    last: ClassVar[tuple[str, ...]] = ("model",)
    spare: ClassVar[tuple[str, ...]] = ("quant", "context", "parameters", "can", "in memory", "size")
    nothing: ClassVar[str] = "No provider lists a model. p pulls one, for example local/gemma3:4b."
    keys: ClassVar = (
        ("model_pull", "pull"), ("model_copy", "copy"), ("model_create", "new"), ("model_delete", "delete"), PUSH,
        ("model_sort", "order"), ("filter", "filter"),
    )  # fmt: skip
    chips: ClassVar[tuple[str, ...]] = ("provider", "can")
    DEFAULT_CSS = """
    ModelsScreen #asked { height: auto; padding: 0 1; color: $accent; background: $surface; }
    ModelsScreen #name { margin: 0 1; }
    ModelsScreen #progress { height: auto; padding: 0 1; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked: Question | None = None
        self._deleting: str | None = None
        self._pushing: str | None = None
        self._models: Sequence[ModelRow] = ()
        self._in_memory: dict[tuple[str, str], RunningModel] = {}
        self._order: Order = "name"
        self._loaded = Fresh(self, self._look_at_memory)

    def body(self) -> Iterable[Widget]:
        """The table, a line to type a name, the models on their way."""
        yield from super().body()
        yield Static(id="asked", classes="away", markup=False)
        yield Input(id="name", classes="away", compact=True, select_on_focus=False)
        yield Static(id="progress", classes="away", markup=False)

    def begin(self) -> None:
        """Show what is on its way, from now on as it comes."""
        super().begin()
        self.house.pulls.changed = self._draw_pulls
        self.house.pulls.ended = self.action_reload
        self._draw_pulls()

    def on_unmount(self) -> None:
        """Nobody looks at the pulls any more; they go on."""
        self.house.pulls.changed = self.house.pulls.ended = lambda: None

    def _draw_pulls(self) -> None:
        progress = self.query_one("#progress", Static)
        pulls = self.house.pulls.under_way
        progress.set_class(not pulls, "away")
        self.query_one(KeysLine).show_keys([STOP if each == PUSH and pulls else each for each in self.keys])
        progress.update(Content("\n").join(pull.line(max(self.size.width - 2, 10)) for pull in pulls))

    async def read(self) -> None:
        """Ask every provider that can be asked."""
        desk = await self.desk()
        self._models = await desk.models()
        await self._look_at_memory()

    def desk_changed(self, topics: frozenset[Topic]) -> None:
        """An answer may have brought a model into memory; what is listed changes only when something here does it."""
        if Topic.REQUESTS in topics:
            self._loaded.again()

    async def _look_at_memory(self) -> None:
        with suppress(DeskError):  # the models are shown all the same
            running = await (await self.desk()).running_models()
            self._in_memory = {(provider, model.name): model for provider, model in running}
        self._show()

    def _show(self) -> None:
        rows = sorted(self._models, key=lambda row: (row.provider, row.model.name))
        match self._order:
            case "size":
                rows.sort(key=lambda row: -(row.model.size_bytes or 0))
            case "changed last":
                rows.sort(key=lambda row: row.model.modified_at, reverse=True)
            case "name":
                pass
        now = time.time()
        self.show_rows([_row(row, self._in_memory.get((row.provider, row.model.name)), now) for row in rows])

    def action_sort(self) -> None:
        """Order them by the next thing."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self._show()
        self.say(f"Ordered by {self._order}.")

    def told(self, key: str) -> str:
        """What of a model its cells may have no room for."""
        provider, _, name = key.partition("/")
        running = self._in_memory.get((provider, name))
        found = next((row.model for row in self._models if (row.provider, row.model.name) == (provider, name)), None)
        facts = [key] if found is not None else []
        if found is not None:
            facts += [found.quantization, " ".join(sorted(found.capabilities))]
        if running is not None:
            facts.append(f"in memory: {memory_words(running, time.time())}")
        return one_line(" · ".join(filter(None, facts)), 400)

    async def detail(self, key: str) -> Content:
        """What the server tells about the model."""
        desk = await self.desk()
        told = await desk.show_model(ModelRef.parse(key))
        return Content(sanitise(json.dumps(told, indent=2, ensure_ascii=False, default=str)))

    # --- changing what is there ---------------------------------------------------------------------------------

    def action_pull(self) -> None:
        """Ask which model to pull."""
        self._ask(Question(text="provider/model to pull, for example local/gemma3:4b", value="local/",
                           take=self._pull))  # fmt: skip

    async def action_push(self) -> None:
        """Publish the marked model, when asked twice."""
        key = self.marked
        if key is None:
            return
        if self._pushing != key:
            self._pushing = key
            again = press_again(self.house.keymap, "model_push")
            self.say(f"{key} will be published for others to fetch. {again} to push it.", severity="warning")
            return
        self._pushing = None
        self.house.pulls.begin(await self.desk(), ModelRef.parse(key), push=True)

    def action_stop_pull(self) -> None:
        """Stop the pull or push that was begun last."""
        if not self.house.pulls.stop():
            self.say("Nothing is being pulled or pushed.")

    def action_copy(self) -> None:
        """Ask for the new name."""
        if self.marked is not None:
            source = ModelRef.parse(self.marked)
            self._ask(Question(text=f"new name for {source}", value=source.model, take=partial(self._copy, source)))

    def action_create(self) -> None:
        """Ask for a name, then for a system prompt: the marked model with it under a name of its own."""
        if self.marked is not None:
            base = ModelRef.parse(self.marked)
            self._ask(Question(text=f"name of the model to create from {base}", value=f"my-{base.model}",
                               take=partial(self._ask_system, base)))  # fmt: skip

    async def _ask_system(self, base: ModelRef, name: str) -> None:
        self._ask(Question(text=f"system prompt of {name}", value="", take=partial(self._create, base, name)))

    def action_delete(self) -> None:
        """Delete from disk, when asked twice."""
        key = self.marked
        if key is None:
            return
        if self._deleting != key:
            self._deleting = key
            again = press_again(self.house.keymap, "model_delete")
            self.say(f"{key} will be gone from disk. {again} to delete it.", severity="warning")
            return
        self._deleting = None
        self._change(f"Deleted {key}.", lambda desk: desk.delete_model(ModelRef.parse(key)))

    def _ask(self, question: Question) -> None:
        self._asked = question
        asked = self.query_one("#asked", Static)
        asked.update(Content(f"{one_line(question.text)}  (enter; Esc leaves it)"))
        asked.remove_class("away")
        field = self.query_one("#name", Input)
        field.value = question.value
        field.remove_class("away")
        field.cursor_position = len(field.value)
        field.focus()

    @on(Input.Submitted, "#name")
    def _name_given(self, event: Input.Submitted) -> None:
        asked, self._asked = self._asked, None
        self._put_name_away()
        if asked is not None and event.value.strip():
            self.follow(partial(asked.take, event.value.strip()))

    def _put_name_away(self) -> None:
        self.query_one("#asked").add_class("away")
        self.query_one("#name").add_class("away")
        self.table.focus()

    def action_close_panel(self) -> None:
        """Close the line for a name, else as every list does."""
        if not self.query_one("#name").has_class("away"):
            self._asked = None
            self._put_name_away()
        else:
            super().action_close_panel()

    async def _copy(self, source: ModelRef, name: str) -> None:
        self._change(f"Copied to {name}.", lambda desk: desk.copy_model(source, name))

    async def _create(self, base: ModelRef, name: str, system: str) -> None:
        async def made(desk: Desk) -> None:
            async for _ in desk.create_model(ModelRef(base.provider, name), base=base.model, system=system):
                pass

        self._change(f"Created {base.provider}/{name}.", made)

    def _change(self, done: str, work: Callable[[Desk], Awaitable[None]]) -> None:
        """Let a server change what it has; no key waits for it, and it goes on when the panel is closed."""

        async def changed() -> None:
            try:
                await work(await self.desk())
            except DeskError as error:
                self.say(str(error), severity="error")
            else:
                self.say(done)
            if self.is_attached:
                self.action_reload()

        beside(self.app, changed)

    async def _pull(self, name: str) -> None:
        self.house.pulls.begin(await self.desk(), ModelRef.parse(name))


def _row(row: ModelRow, running: RunningModel | None, now: float) -> Row:
    model = row.model
    parameters = f"{model.parameters / BILLION:.1f} B" if model.parameters else ""
    context = str(model.context_tokens) if model.context_tokens else ""
    disk = "cloud" if model.remote else size(model.size_bytes) if model.size_bytes else ""
    memory = memory_words(running, now) if running is not None else ""
    return Row(
        key=f"{row.provider}/{model.name}",
        cells=(row.provider, model.name, disk, model.quantization, parameters, context, memory,
               " ".join(sorted(model.capabilities))),
        facets={"provider": row.provider, "can": " ".join(sorted(model.capabilities)), "family": model.family},
    )  # fmt: skip


def memory_words(running: RunningModel, now: float) -> str:
    """What a model takes in memory, how much of it on the graphics card, and until when: ``5.4 GB 80 % GPU 14:32``."""
    words = [size(running.size_bytes)]
    if running.size_bytes and running.vram_bytes is not None:
        share = round(100 * running.vram_bytes / running.size_bytes)
        words.append(f"{share} % GPU" if share else "CPU")
    try:
        until = datetime.fromisoformat(running.expires_at).timestamp()
    except (ValueError, OverflowError, OSError):
        return " ".join(words)
    return " ".join([*words, "stays" if until - now > YEAR_S else f"until {clock(until)}"])
