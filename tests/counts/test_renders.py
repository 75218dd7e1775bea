"""How often something is parsed, rendered and painted while an answer grows: bounded, and the same after 10,000 tokens.

The clocks of the event loop and of Textual's timers are virtual: a minute passes in no time, and every run counts the
same on any machine.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt
from textual._compositor import ChopsUpdate, Compositor
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from benchmarks.transcript import MIXED
from llmdesk.core.types import AttemptStarted, TextDelta
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState
from llmdesk.tui.transcript.markdown import Renderer
from llmdesk.tui.transcript.view import TranscriptView
from tests.support.fake_desk import LOCAL, FakeDesk, stored_conversation
from tests.support.screen import seated, shown
from tests.support.screens import LARGE, Host, running
from tests.support.virtual_time import now, run_virtually

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = MIXED
"""A little of everything, 9 units of Markdown; an answer repeats it."""

TOKENS = [BLOCK[len(BLOCK) * at // 100 : len(BLOCK) * (at + 1) // 100] for at in range(100)]
"""The same in a hundred pieces."""

TOKEN_S = 0.01
"""At 100 tokens a second."""

OPEN = AnswerEntry(head="local", state=AnswerState.OPEN)

PER_HUNDRED = Counter({
    "frames": 26,  # 25 a second, and what was left
    "parses": 36,  # what is open, in each frame; with a block that was finished once more, to find its end
    "characters": 5 * len(BLOCK),  # of what is parsed: the open block, never what stands above it
    "units": 45,  # rendered: what is open in each frame, and each of the 9 when it is finished
    "strips": 40,  # the lines of a block, and the last one as often as it grows
    "rows": 26 * LARGE[1],  # asked for by Textual: all that are in view, most of them kept
})  # fmt: skip
"""The most that 100 tokens may take at 100 tokens a second."""

IN_BULK = {
    "frames": 2,  # text that waits is brought in portions that leave room for keys
    "parses": 2,
    "characters": 1.1 * len(BLOCK),
    "units": 11,
    "strips": 20,  # of what is never in view none is made
    "rows": 2 * LARGE[1],
}  # fmt: skip
"""The same for 100 tokens of many that come at 50,000 a second."""


def clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Textual's timers go by the clock of the event loop."""
    monkeypatch.setattr("textual._time.get_time", now)


def counted(
    monkeypatch: pytest.MonkeyPatch, of: type, method: str, note: Callable[[Any, tuple[Any, ...]], object]
) -> None:
    """Call ``note`` with each object and the arguments of a method, before it does what it does."""
    does = getattr(of, method)

    def noting(self: object, *values: Any, **named: Any) -> Any:
        note(self, values)
        return does(self, *values, **named)

    monkeypatch.setattr(of, method, noting)


class Watched(TranscriptView):
    """A view that counts what Textual asks of it."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__()
        self._counts = counts

    def render_lines(self, crop: Any) -> Any:
        self._counts["rows"] += crop.height
        return super().render_lines(crop)


class Stream:
    """An answer that is streamed into a view on a screen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        self.view = Watched(self.counts)
        self.key = 0
        clocks(monkeypatch)
        counted(monkeypatch, MarkdownIt, "parse", self._parsed)
        counted(monkeypatch, Renderer, "render", lambda _, values: self.counts.update(units=len(values[0])))

    def _parsed(self, _: object, values: tuple[Any, ...]) -> None:
        self.counts.update(parses=1, characters=len(values[0]))

    async def pour(self, tokens: int, *, at_once: int = 1, every_s: float = TOKEN_S) -> Counter[str]:
        """Stream so many tokens and wait until all are on the screen; what that has taken."""
        self.counts.clear()
        frames, strips = self.view.frames, self.view.lines_painted
        for start in range(0, tokens, at_once):
            self.view.feed(self.key, "".join(TOKENS[at % 100] for at in range(start, start + at_once)))
            await asyncio.sleep(every_s)
        while self.view.busy:
            await asyncio.sleep(every_s)
        await asyncio.sleep(1)
        self.counts.update(frames=self.view.frames - frames, strips=self.view.lines_painted - strips)
        return self.counts.copy()

    def run(self, work: Callable[[], Any]) -> None:
        """Do ``work`` while the view is on a screen, with an answer open."""

        async def on_screen() -> None:
            async with running(Host(self.view), LARGE) as pilot:
                self.key = self.view.begin_answer(OPEN)
                await pilot.pause()
                await work()

        run_virtually(on_screen())


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    return Stream(monkeypatch)


def beyond(counts: Counter[str], most: Counter[str]) -> dict[str, tuple[int, int]]:
    """What is more than it may be: how much it is, and how much it may be."""
    return {name: (count, most[name]) for name, count in counts.items() if count > most[name]}


def test_a_hundred_tokens_take_the_same_after_ten_thousand_as_after_two_hundred(stream: Stream) -> None:
    async def work() -> None:
        taken = {}
        for so_far, more in ((0, 200), (300, 700), (1_100, 8_900)):
            await stream.pour(more, at_once=100)
            taken[so_far + more] = await stream.pour(100)
        assert {tokens: beyond(counts, PER_HUNDRED) for tokens, counts in taken.items()} == {
            tokens: {} for tokens in taken
        }
        assert all(taken[200][name] for name in PER_HUNDRED), "and all of it is counted"
        assert not beyond(taken[10_000], taken[200] + Counter(dict.fromkeys(PER_HUNDRED, 2)))

    stream.run(work)


@pytest.mark.parametrize("tokens", [200, 2_000, 10_000])
def test_a_flood_is_rendered_once_and_painted_a_few_times(stream: Stream, tokens: int) -> None:
    async def work() -> None:
        counts = await stream.pour(tokens, at_once=200, every_s=0.004)
        assert not beyond(counts, Counter({name: int(most * tokens / 100) for name, most in IN_BULK.items()}))
        assert all(counts[name] for name in IN_BULK), "and all of it is counted"
        assert stream.view.text_of(stream.key) == BLOCK * (tokens // 100)

    stream.run(work)


# --- the whole desk ---

AROUND = Counter({
    "frames": 26,
    "scrollbar": 16,  # drawn anew when the size of the whole changes
    "painted": 650,  # rows that go to the terminal: all of the view where it scrolls, else those that changed
})  # fmt: skip
"""The most that 100 tokens may take on the screen of the desk. Nothing else is drawn, and nothing is laid out."""

KEY = Counter({"painted": 3})
"""The most that a key may take: the row it stands in, and what tells how much is written."""


class Drawn:
    """What is drawn on a screen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        clocks(monkeypatch)
        counted(monkeypatch, Widget, "_render_content", self._content)
        counted(monkeypatch, Screen, "_refresh_layout", lambda *_: self.counts.update(layouts=1))
        counted(monkeypatch, Compositor, "reflow", lambda *_: self.counts.update(layouts=1))
        counted(monkeypatch, App, "_display", self._painted)

    def _content(self, widget: object, _: object) -> None:
        self.counts[type(widget).__name__.lower()] += 1

    def _painted(self, _: object, values: tuple[Any, ...]) -> None:
        update = values[1]
        if isinstance(update, ChopsUpdate):
            self.counts["painted"] += len({row for row, _, _ in update.spans})
        elif update is not None:
            self.counts["whole screens"] += 1


class Pictures:
    """What goes to the terminal, from the start on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.whole = 0
        self.parts: list[int] = []
        """Cells of each picture of a part of the screen."""
        self.shown: list[str] = []
        """What was on the screen with each picture."""
        clocks(monkeypatch)
        counted(monkeypatch, App, "_display", self._painted)

    def _painted(self, app: Any, values: tuple[Any, ...]) -> None:
        update = values[1]
        if update is None:
            return
        if isinstance(update, ChopsUpdate):
            self.parts.append(sum(end - start for _, start, end in update.spans))
        else:
            self.whole += 1
        self.shown.append(shown(app))


def answering(tokens: int) -> FakeDesk:
    """A desk that answers at 100 tokens a second, and then says nothing more for an hour."""
    said = [step for at in range(tokens) for step in (TextDelta(TOKENS[at % 100]), TOKEN_S)]
    return FakeDesk(scripts=[[AttemptStarted(number=1, target=LOCAL), *said, 3_600.0]])


def test_nothing_but_the_answer_and_its_scrollbar_is_drawn_while_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawn(monkeypatch)

    async def work() -> None:
        async with seated(answering(1_500), size=LARGE) as seat:
            await seat.ask("go on")
            await seat.see("A heading")
            await asyncio.sleep(3)  # until there is a scrollbar
            view = seat.app.chat.talk.pane.transcript
            for _ in range(10):
                drawn.counts.clear()
                frames = view.frames
                await asyncio.sleep(1)
                drawn.counts.update(frames=view.frames - frames)
                assert not beyond(drawn.counts, AROUND)
                assert drawn.counts["frames"] > 20
                assert drawn.counts["painted"] > 20

    run_virtually(work())


def test_nothing_is_drawn_while_nothing_happens_and_little_for_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawn(monkeypatch)

    async def work() -> None:
        async with seated(FakeDesk(), size=LARGE) as seat:
            await asyncio.sleep(10)
            drawn.counts.clear()
            await asyncio.sleep(600)
            assert drawn.counts == {}
            for key in "hello":
                drawn.counts.clear()
                await seat.press(key)
                await asyncio.sleep(1)
                assert drawn.counts["painted"]
                assert not beyond(drawn.counts, KEY)

    run_virtually(work())


PARTS = 3
"""Pictures of parts of the screen until it rests: who is there, what was found, and the panels; of one more the end."""

CELLS = 1.05
"""What they paint together at most, in whole screens: hardly any cell twice."""


@pytest.mark.parametrize("conversation", [None, "conversation-1"])
@pytest.mark.parametrize("size", [LARGE, (80, 24)])
def test_the_screen_is_painted_once_as_a_whole_until_it_rests(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], conversation: str | None
) -> None:
    pictures = Pictures(monkeypatch)
    desk = FakeDesk(stored={"conversation-1": stored_conversation()})

    async def work() -> None:
        async with seated(desk, size=size, conversation=conversation):
            await asyncio.sleep(60)

    run_virtually(work())
    assert pictures.whole == 1
    assert 0 < len(pictures.parts) <= PARTS
    assert sum(pictures.parts) <= CELLS * size[0] * size[1]
    assert "Ask something" in pictures.shown[0], "the first picture is the whole one, and invites to type"
    if conversation is not None:
        assert "Here is a parser." in pictures.shown[1], "nothing comes between the first picture and the conversation"


def test_a_window_of_another_size_is_painted_once_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Pictures(monkeypatch)

    async def work() -> None:
        async with seated(FakeDesk(), size=LARGE) as seat:
            await asyncio.sleep(60)
            before = pictures.whole
            await seat.pilot.resize_terminal(100, 30)
            await asyncio.sleep(1)
            assert pictures.whole == before + 1
            await seat.pilot.resize_terminal(100, 30)
            await asyncio.sleep(1)
            assert pictures.whole == before + 2, "its lines may be gone"

    run_virtually(work())


def test_each_step_of_a_prompt_paints_the_conversation_once_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Pictures(monkeypatch)
    script = [0.2, AttemptStarted(number=1, target=LOCAL), 0.2, TextDelta("A first word"), 3_600.0]
    desk = FakeDesk(stored={"conversation-1": stored_conversation()}, scripts=[script])

    async def work() -> None:
        async with seated(desk, size=LARGE, conversation="conversation-1") as seat:
            await asyncio.sleep(60)
            pictures.parts.clear()
            pictures.shown.clear()
            await seat.ask("go on")
            await seat.see("A first word")
            await asyncio.sleep(1)

    run_virtually(work())
    room = LARGE[0] * LARGE[1]
    large = [said for cells, said in zip(pictures.parts, pictures.shown, strict=True) if cells > room / 3]
    assert 2 <= len(large) <= 3, "it is sent, it is waited for, the answer begins"
    assert "A first word" in large[-1]
