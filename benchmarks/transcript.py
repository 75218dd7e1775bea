"""The view of a conversation alone, headless at 120x40, beside plain text in one ``Static``.

Both are fed 10,000 pieces of about 20 bytes of mixed Markdown by a consumer that lets the event loop run every 8 ms:
what the view itself costs, for profiles of it. What a user sees is measured by the part ``chat``.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Static

from benchmarks.apparatus.turns import turns
from benchmarks.judging.figures import STATIC
from benchmarks.judging.samples import OURS, Sample
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, Completeness, UserEntry
from llmdesk.tui.transcript.view import TranscriptView, preload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from textual.app import ComposeResult

    from benchmarks.apparatus.told import Told
    from llmdesk.tui.transcript.entries import Entry

TOKENS = 10_000
OLDER = 2_000
PIECE = 20
BREATH_S = 0.008
FLOOR_FRAME_S = 1 / 30

MIXED = """## A heading

Some *words* and **more words** with `code`, and a [link](https://example.org/page) in a paragraph that wraps around.

- one item of a list
- two items of a list
   - and one below

```python
def parse(line: str) -> dict[str, str]:
    # a comment
    return dict(part.split("=", 1) for part in line.split())
```

| name | value |
|------|------:|
| one  |     1 |
| two  |     2 |

> A quote that says something.

1. first
2. second

"""


def pieces(text: str, count: int) -> list[str]:
    """Repeat ``text`` and cut it into ``count`` pieces."""
    whole = text * (count * PIECE // len(text) + 1)
    return [whole[start : start + PIECE] for start in range(0, count * PIECE, PIECE)]


class Host(App[None]):
    """A screen with one scrolling thing."""

    def __init__(self, shown: TranscriptView | VerticalScroll) -> None:
        super().__init__()
        self.shown = shown

    def compose(self) -> ComposeResult:
        yield self.shown


async def fed(parts: list[str], take: Callable[[str], None]) -> None:
    """Hand over every piece, letting the loop run every few milliseconds."""
    breath = time.perf_counter()
    for part in parts:
        take(part)
        if time.perf_counter() - breath > BREATH_S:
            await asyncio.sleep(0)
            breath = time.perf_counter()


async def stream_view(parts: list[str], older: int) -> tuple[float, float]:
    view = TranscriptView()
    async with Host(view).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        if older:
            view.load(conversation(older))
        warm = view.begin_answer(AnswerEntry(head="warm", state=AnswerState.OPEN))
        view.feed(warm, MIXED)
        await pilot.pause(0.1)
        view.finish(warm, AnswerEntry(head="warm", text=MIXED))
        await pilot.pause(0.1)
        cpu, began = time.process_time(), time.perf_counter()
        key = view.begin_answer(AnswerEntry(head="local", state=AnswerState.OPEN))
        await fed(parts, lambda part: view.feed(key, part))
        view.finish(key, AnswerEntry(head="local", text=view.text_of(key), completeness=Completeness.FULL))
        while view.busy:
            await asyncio.sleep(0.001)
        await pilot.pause()
        return time.perf_counter() - began, time.process_time() - cpu


async def stream_static(parts: list[str]) -> tuple[float, float]:
    box = VerticalScroll()
    async with Host(box).run_test(size=(120, 40)) as pilot:
        answer = Static(markup=False)
        await box.mount(answer)
        box.anchor()
        await pilot.pause()
        cpu, began = time.process_time(), time.perf_counter()
        kept: list[str] = []
        shown = time.perf_counter()

        def take(part: str) -> None:
            nonlocal shown
            kept.append(part)
            if time.perf_counter() - shown > FLOOR_FRAME_S:
                answer.update("".join(kept))
                shown = time.perf_counter()

        await fed(parts, take)
        answer.update("".join(kept))
        await pilot.pause()
        return time.perf_counter() - began, time.process_time() - cpu


def conversation(messages: int) -> list[Entry]:
    """Prompts and answers of about 320 characters."""
    entries: list[Entry] = []
    for number in range(messages // 2):
        entries.append(UserEntry(text=f"Question {number}: " + "why is it so? " * 10, at="14:20"))
        entries.append(AnswerEntry(head="local", text=MIXED[: 480 + number % 40], foot="1.9 s", reasoning="hm"))
    return entries


async def open_messages(messages: int) -> tuple[float, float]:
    """Return the time to be painted, and to go home and be painted, seconds."""
    entries = conversation(messages)
    view = TranscriptView()
    async with Host(view).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        began = time.perf_counter()
        view.load(entries)
        await pilot.pause()
        painted = time.perf_counter() - began
        began = time.perf_counter()
        view.scroll_to(y=0)
        await pilot.pause()
        return painted, time.perf_counter() - began


def measure(told: Told) -> Iterator[Sample]:
    """Streams, and opening, in turns."""
    preload()
    parts = pieces(MIXED, told.count(TOKENS, 100))
    code = pieces("```python\n" + "def f(x):\n    return x + 1  # comment\n" * 1_000, told.count(1_900, 50))
    older = told.count(OLDER, 20)
    streams: dict[tuple[str, str], tuple[Callable[[], Coroutine[object, object, tuple[float, float]]], int]] = {
        ("view", STATIC): (lambda: stream_static(parts), len(parts)),
        ("view", OURS): (lambda: stream_view(parts, 0), len(parts)),
        ("view older", STATIC): (lambda: stream_static(parts), len(parts)),
        ("view older", OURS): (lambda: stream_view(parts, older), len(parts)),
        ("view code", STATIC): (lambda: stream_static(code), len(code)),
        ("view code", OURS): (lambda: stream_view(code, 0), len(code)),
    }
    for counts, (figure, of) in turns(told.rounds, list(streams), warm_up=not told.quick):
        stream, count = streams[figure, of]
        wall, cpu = asyncio.run(stream())
        if counts:
            yield Sample(figure=figure, of=of, value=count / wall)
            yield Sample(figure=f"{figure} cpu", of=of, value=cpu * 1e6 / count)
    for messages in told.sizes(200, OLDER, 20_000, quick=(20,)):
        for _ in range(told.rounds):
            painted, home = asyncio.run(open_messages(messages))
            yield Sample(figure="view opens", value=painted * 1000, size=messages)
            yield Sample(figure="view home", value=home * 1000, size=messages)
