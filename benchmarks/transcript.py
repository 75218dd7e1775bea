"""Speed of the transcript view against a floor in the same run: plain text in one ``Static``.

    python benchmarks/transcript.py [--rounds N]

Both run headless at 120x40 and are fed 10,000 pieces of about 20 bytes of mixed Markdown by a consumer that lets the
event loop run every 8 ms. Compare the rows of one run, never two machines.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from typing import TYPE_CHECKING

from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Static

from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, Completeness, UserEntry
from llmdesk.tui.transcript.view import TranscriptView, preload

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from llmdesk.tui.transcript.entries import Entry

TOKENS = 10_000
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


async def open_messages(messages: int) -> tuple[float, float, float]:
    """Return the time to load, to be painted, and to go home and be painted, seconds."""
    entries = conversation(messages)
    view = TranscriptView()
    async with Host(view).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        began = time.perf_counter()
        view.load(entries)
        loaded = time.perf_counter() - began
        await pilot.pause()
        painted = time.perf_counter() - began
        began = time.perf_counter()
        view.scroll_to(y=0)
        await pilot.pause()
        return loaded, painted, time.perf_counter() - began


async def slow_stream(parts: list[str], per_second: int, seconds: float, older: int) -> float:
    """Return the share of a core that a stream at a human pace takes."""
    view = TranscriptView()
    async with Host(view).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        view.load(conversation(older))
        key = view.begin_answer(AnswerEntry(state=AnswerState.OPEN))
        loop = asyncio.get_running_loop()
        cpu, began = time.process_time(), loop.time()
        for number, part in enumerate(parts):
            view.feed(key, part)
            due = began + (number + 1) / per_second
            await asyncio.sleep(max(due - loop.time(), 0))
            if loop.time() - began > seconds:
                break
        return (time.process_time() - cpu) / (loop.time() - began)


async def idle(seconds: float) -> float:
    view = TranscriptView()
    async with Host(view).run_test(size=(120, 40)) as pilot:
        view.load(conversation(2_000))
        await pilot.pause(0.2)
        cpu = time.process_time()
        await asyncio.sleep(seconds)
        return (time.process_time() - cpu) / seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds: int = parser.parse_args().rounds
    preload()
    parts = pieces(MIXED, TOKENS)
    code = pieces("```python\n" + "def f(x):\n    return x + 1  # comment\n" * 1_000, 38_000 // PIECE)
    streams: list[tuple[str, Callable[[], tuple[float, float]], int]] = [
        ("floor: plain Static", lambda: asyncio.run(stream_static(parts)), TOKENS),
        ("view", lambda: asyncio.run(stream_view(parts, 0)), TOKENS),
        ("view + 2,000 messages", lambda: asyncio.run(stream_view(parts, 2_000)), TOKENS),
        ("view, 38 kB fence", lambda: asyncio.run(stream_view(code, 0)), len(code)),
    ]
    print(f"| {'10,000 tokens, headless':<26} | tokens/s | CPU s |\n|{'-' * 28}|---------:|------:|")
    for name, run, count in streams:
        results = [run() for _ in range(rounds)]
        wall = statistics.median(result[0] for result in results)
        cpu = statistics.median(result[1] for result in results)
        print(f"| {name:<26} | {count / wall:>8,.0f} | {cpu:>5.2f} |")
    loaded, painted, home = (
        statistics.median(values)
        for values in zip(*(asyncio.run(open_messages(2_000)) for _ in range(rounds)), strict=True)
    )
    print(
        f"\nopen 2,000 messages: load {loaded * 1e3:.0f} ms, painted {painted * 1e3:.0f} ms; Home {home * 1e3:.0f} ms"
    )
    print(f"100 tokens/s: {asyncio.run(slow_stream(parts, 100, 3, 0)):.1%} of a core, ", end="")
    print(f"after 2,000 messages {asyncio.run(slow_stream(parts, 100, 3, 2_000)):.1%}")
    print(f"idle: {asyncio.run(idle(2)):.2%} of a core")


if __name__ == "__main__":
    main()
