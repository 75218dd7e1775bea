"""The view in a running app: following, scrolling, streaming, folding, copying, colours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from textual.events import MouseScrollUp
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection

from llmdesk.tui.transcript.entries import (
    AnswerEntry,
    AnswerState,
    Completeness,
    Level,
    NoteEntry,
    SeamEntry,
    UserEntry,
)
from llmdesk.tui.transcript.selection import packed
from llmdesk.tui.transcript.view import TranscriptView
from tests.support.screens import LARGE, SMALL, Host, running, screen_lines, screen_text, until
from tests.support.slowness import allowed

if TYPE_CHECKING:
    from llmdesk.tui.transcript.entries import (
        Entry,
    )

OPEN = AnswerEntry(head="local · gemma3:27b", state=AnswerState.OPEN)
PARAGRAPHS = "".join(f"Paragraph number {number} of the answer.\n\n" for number in range(40))


def conversation(messages: int) -> list[Entry]:
    return [
        UserEntry(text=f"question {number}", at="14:20")
        if number % 2
        else AnswerEntry(head="local", text=f"answer {number}\n\n- a\n- b\n\n" + "words " * (number % 60), foot="1.9 s")
        for number in range(messages)
    ]


def rows(view: TranscriptView) -> list[str]:
    """What the view shows, without its scrollbar."""
    found = [view.row_at(y) for y in range(view.size.height)]
    return ["" if row is None else row.line.text.rstrip() for row in found]


async def streamed(view: TranscriptView, key: int, text: str, size: int = 20) -> None:
    for start in range(0, len(text), size):
        view.feed(key, text[start : start + size])
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_every_kind_of_entry_has_its_place(size: tuple[int, int]) -> None:
    view = TranscriptView()
    async with running(Host(view), size) as pilot:
        view.append(UserEntry(text="Write a parser", at="14:20", attachments=("log.txt",)))
        view.append(SeamEntry(text="cloud: rate limited, next try 14:32 → answering with gemma3:27b (local)"))
        view.append(
            AnswerEntry(
                head="local · gemma3:27b", text="Here is a *parser*:\n\n```python\nx = 1\n```", reasoning="hm " * 40,
                reasoning_tokens=312, foot="local · gemma3:27b · 1.9 s", completeness=Completeness.FULL,
            )
        )  # fmt: skip
        view.append(NoteEntry(text="Quota is low\nsee f4", level=Level.WARNING))
        await pilot.pause()
        width = view.scrollable_content_region.width
        assert [line.rstrip() for line in screen_text(pilot.app).split("\n")] == [
            "you · 14:20",
            "Write a parser",
            "@log.txt",
            "",
            "⤷ cloud: rate limited, next try 14:32 → answering with gemma3:27b (local)",
            "local · gemma3:27b",
            "▸ reasoning (312 tokens)",
            "Here is a parser:",
            "",
            "  x = 1",
            "",
            "local · gemma3:27b · 1.9 s" + "✔ full".rjust(width - 26),
            "",
            "! Quota is low",
            "  see f4",
        ]


async def test_a_streamed_answer_is_on_the_screen_and_stays_as_it_is_when_it_closes() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        key = view.begin_answer(OPEN)
        await streamed(view, key, "# Title\n\nsome *words*\n\n- a\n- b")
        await until(pilot, lambda: " • b" in screen_lines(pilot.app))
        meanwhile = screen_lines(pilot.app)[:8]
        view.finish(key, AnswerEntry(head=OPEN.head, text=view.text_of(key), foot="1 s", completeness=Completeness.CUT))
        await pilot.pause()
        assert screen_lines(pilot.app)[: len(meanwhile) - 1] == meanwhile[:-1]
        assert "… cut by limit" in screen_text(pilot.app)


async def test_the_end_is_followed_until_the_user_scrolls_up_and_again_from_the_bottom() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        key = view.begin_answer(OPEN)
        view.focus()
        await streamed(view, key, PARAGRAPHS)
        await until(pilot, lambda: "number 39" in screen_text(pilot.app))
        assert view.following
        await pilot.press("pageup")
        await pilot.pause()
        held = rows(view)
        assert not view.following
        await streamed(view, key, PARAGRAPHS.replace("answer", "sequel"))
        await until(pilot, lambda: not view.busy)
        await pilot.pause()
        assert rows(view) == held
        await pilot.press("end")
        await until(pilot, lambda: "39 of the sequel" in screen_text(pilot.app))
        assert view.following
        await streamed(view, key, "the very end")
        await until(pilot, lambda: "the very end" in screen_text(pilot.app))


async def test_scrolling_back_to_the_bottom_line_by_line_follows_again() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.load(conversation(60))
        for _ in range(3):
            view.action_scroll_up()
            await pilot.pause()
        assert not view.following
        for _ in range(3):
            view.action_scroll_down()
            await pilot.pause()
        assert view.following


async def test_the_wheel_scrolls_and_the_prompt_keeps_the_keyboard() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.load(conversation(60))
        pilot.app.set_focus(None)
        before = view.scroll_y
        await pilot._post_mouse_events([MouseScrollUp], view)
        await pilot.pause()
        assert view.scroll_y < before
        await pilot.click(view, offset=(5, 5))
        assert pilot.app.focused is None


async def test_two_thousand_messages_open_with_only_the_visible_ones_laid_out() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.load(conversation(2_000))
        await pilot.pause()
        assert sum(item.laid_out for item in view._items) < 20
        assert "question 1999" in screen_text(pilot.app)
        view.focus()
        await pilot.press("home")
        await pilot.pause()
        assert screen_lines(pilot.app)[:2] == ["local", "answer 0"]
        assert sum(item.laid_out for item in view._items) < 40


async def test_scrolling_up_through_guessed_heights_never_skips_or_repeats_a_line() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.load(conversation(40))
        await pilot.pause()
        seen = rows(view)
        while view.scroll_y > 0:
            view.scroll_to(y=view.scroll_y - 1)
            now = rows(view)
            assert now[1:] == seen[:-1]
            seen = now
        assert seen[1] == "answer 0"


async def test_a_resize_keeps_the_message_at_the_top() -> None:
    view = TranscriptView()
    async with running(Host(view), LARGE) as pilot:
        view.load(conversation(200))
        view.focus()
        for _ in range(6):
            await pilot.press("pageup")
        index, _ = view._heights.at(round(view.scroll_y))
        for size in ((40, 12), (100, 30), (20, 6)):
            await pilot.resize_terminal(*size)
            await pilot.pause(allowed(0.15))
            assert view._heights.at(round(view.scroll_y))[0] == index


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (3, 2)])
async def test_a_tiny_terminal_and_back_again(size: tuple[int, int]) -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.load(conversation(20))
        await pilot.resize_terminal(*size)
        await pilot.pause(allowed(0.15))
        await pilot.resize_terminal(*SMALL)
        await pilot.pause(allowed(0.15))
        assert "question 19" in screen_text(pilot.app)


async def test_text_fed_before_the_first_size_is_known_is_not_lost() -> None:
    view = TranscriptView()
    key = view.begin_answer(OPEN)
    view.feed(key, "early words")
    async with running(Host(view)) as pilot:
        await until(pilot, lambda: "early words" in screen_text(pilot.app))


async def test_a_hidden_view_renders_nothing_and_catches_up() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        key = view.begin_answer(OPEN)
        view.display = False
        await pilot.pause()
        frames = view.frames
        await streamed(view, key, PARAGRAPHS)
        await pilot.pause()
        assert view.frames == frames
        view.display = True
        await until(pilot, lambda: "number 39" in screen_text(pilot.app))


async def test_a_burst_is_shown_in_parts_and_then_whole() -> None:
    view = TranscriptView()
    text = PARAGRAPHS * 40
    async with running(Host(view)) as pilot:
        key = view.begin_answer(OPEN)
        view.feed(key, text)
        view.finish(key, AnswerEntry(head="local", text=text, foot="all of it", completeness=Completeness.FULL))
        assert view.busy
        await until(pilot, lambda: "all of it" in screen_text(pilot.app))
        assert view.text_of(key) == text
        assert not view.busy


async def test_one_hundred_tokens_take_few_frames_and_paint_few_lines() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.load(conversation(30))
        key = view.begin_answer(OPEN)
        await pilot.pause()
        frames, painted = view.frames, view.lines_painted
        words = [f"word{number} " for number in range(100)]
        for word in words:
            view.feed(key, word)
            await asyncio.sleep(0)
        await until(pilot, lambda: "word99" in screen_text(pilot.app))
        assert view.frames - frames <= 10
        assert view.lines_painted - painted <= 60


async def test_reasoning_is_one_line_until_it_is_unfolded_while_it_streams_too() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        key = view.begin_answer(OPEN)
        view.feed_reasoning(key, "first thought\nsecond thought")
        view.feed(key, "the answer")
        await until(pilot, lambda: "the answer" in screen_text(pilot.app))
        assert "thought" not in screen_text(pilot.app)
        assert "▸ reasoning (about 7 tokens)" in screen_text(pilot.app)
        await pilot.click(view, offset=(3, 1))
        await until(pilot, lambda: "second thought" in screen_text(pilot.app))
        view.feed_reasoning(key, "\nthird thought")
        view.feed(key, " goes on")
        await until(pilot, lambda: "third thought" in screen_text(pilot.app))
        view.toggle(key)
        await until(pilot, lambda: "thought" not in screen_text(pilot.app))
        assert "the answer goes on" in screen_text(pilot.app)


async def test_a_discarded_answer_is_one_line_that_unfolds() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        key = view.begin_answer(AnswerEntry(head="cloud", state=AnswerState.OPEN))
        view.feed(key, "half an ans")
        view.discard(key)
        view.append(SeamEntry(text="cloud: connection lost → answering with local"))
        await pilot.pause()
        assert screen_lines(pilot.app)[:2] == [
            "▸ discarded text of cloud (11 characters)", "⤷ cloud: connection lost → answering with local",
        ]  # fmt: skip
        view.toggle(key)
        await pilot.pause()
        assert screen_lines(pilot.app)[1] == "  half an ans"
        assert view.text_of(key) == "half an ans"


async def test_an_entry_is_replaced_and_removed_in_place() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        first = view.append(NoteEntry(text="one"))
        second = view.append(NoteEntry(text="two"))
        view.replace(first, NoteEntry(text="uno\ndue"))
        await pilot.pause()
        assert screen_lines(pilot.app)[:4] == ["• uno", "  due", "", "• two"]
        view.remove_entry(first)
        await pilot.pause()
        assert screen_lines(pilot.app)[:2] == ["• two", ""]
        with pytest.raises(KeyError):
            view.replace(first, NoteEntry(text="gone"))
        view.clear()
        await pilot.pause()
        assert screen_text(pilot.app).strip() == ""
        assert second not in view.keys


async def test_selecting_with_the_mouse_joins_what_only_the_width_broke() -> None:
    view = TranscriptView()
    words = " ".join(f"word{number:02}" for number in range(30))
    async with running(Host(view), (40, 20)) as pilot:
        view.append(AnswerEntry(text=f"{words}\n\n```\ncode = 1\nmore = 2\n```\n"))
        await pilot.pause()
        rows = screen_lines(pilot.app)
        bottom = next(number for number, row in enumerate(rows) if "more" in row)
        await pilot.mouse_down(view, offset=(0, 0))
        await pilot.hover(view, offset=(20, 3))
        await pilot.hover(view, offset=(10, bottom))
        await pilot.mouse_up(view, offset=(10, bottom))
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == f"{words}\n\ncode = 1\nmore = 2"


async def test_a_selection_stays_on_its_text_while_the_answer_grows() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        first = view.append(UserEntry(text="the prompt", at="14:20"))
        key = view.begin_answer(OPEN)
        pilot.app.screen.selections = {view: Selection(Offset(4, packed(first, 1)), Offset(10, packed(first, 1)))}
        await streamed(view, key, PARAGRAPHS)
        await until(pilot, lambda: "number 39" in screen_text(pilot.app))
        assert pilot.app.screen.get_selected_text() == "prompt"


async def test_everything_selected_is_the_source_without_laying_anything_out() -> None:
    view = TranscriptView()
    async with running(Host(view)):
        view.load([UserEntry(text="a *b*"), AnswerEntry(text="- **c**\n- d", foot="1 s"), *conversation(500)])
        laid_out = sum(item.laid_out for item in view._items)
        found = view.get_selection(SELECT_ALL)
        assert found is not None
        assert found[0].startswith("a *b*\n\n- **c**\n- d\n\nanswer 0")
        assert sum(item.laid_out for item in view._items) == laid_out


async def test_a_double_click_selects_the_message_below_it() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.append(UserEntry(text="the prompt"))
        view.append(AnswerEntry(text="some **bold** words"))
        await pilot.pause()
        await pilot.click(view, offset=(2, 3), times=2)
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == "some **bold** words"


async def test_a_change_of_theme_recolours_what_is_there_and_what_is_open() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.append(AnswerEntry(text="# Title\n\n```py\nreturn 1\n```"))
        key = view.begin_answer(OPEN)
        await streamed(view, key, "# Open")
        await until(pilot, lambda: "# Open" in screen_text(pilot.app))

        def look() -> list[list[str]]:
            return [[str(segment.style) for segment in view.render_line(y)] for y in range(8)]

        dark, shown = look(), screen_text(pilot.app)
        pilot.app.theme = "textual-light"
        await until(pilot, lambda: look() != dark)
        assert screen_text(pilot.app) == shown
        assert all(now != then for now, then in zip(look(), dark, strict=True))


async def test_every_theme_of_textual_shows_the_same_text() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.load(
            [*conversation(3), NoteEntry(text="note", level=Level.ERROR), AnswerEntry(text="```py\nx = 'y'\n```")]
        )
        await pilot.pause()
        shown = screen_text(pilot.app)
        for name in pilot.app.available_themes:
            pilot.app.theme = name
            await pilot.pause()
            assert screen_text(pilot.app) == shown


async def test_no_color_reaches_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.append(AnswerEntry(head="local", text="# Title\n\n```py\nreturn 1\n```"))
        await pilot.pause()
        assert pilot.app.no_color
        assert "# Title" in screen_text(pilot.app)
        for strip in view.render_lines(view.size.region):
            for segment in strip:
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    assert colour is None or colour.triplet is None or len(set(colour.triplet)) == 1


async def test_an_idle_view_has_no_timer() -> None:
    view = TranscriptView()
    async with running(Host(view)) as pilot:
        view.load(conversation(20))
        key = view.begin_answer(OPEN)
        await streamed(view, key, "words")
        await until(pilot, lambda: not view.busy)
        assert view._frame_timer is None
        assert not list(view._timers)


def marked_text(view: TranscriptView) -> str:
    """What is marked of the lines in view."""
    shown = [(row, view.found_in(row.key, row.number)) for y in range(view.size.height) if (row := view.row_at(y))]
    return " ".join(row.line.text[span[0] : span[1]] for row, span in shown if span is not None)


async def test_words_are_found_in_order_however_they_are_set_and_wherever_they_wrap() -> None:
    view = TranscriptView()
    async with running(Host(view), (30, 12)) as pilot:
        entries: list[Entry] = [
            UserEntry(text="Where is the Needle?", at="14:20"),
            AnswerEntry(head="needle · head", text="No **needle here**.\n\n" + "hay " * 300 + "a needle\nhere."),
            AnswerEntry(text="discarded needle", state=AnswerState.DISCARDED),
            NoteEntry(text="the last NEEDLE"),
        ]
        keys = view.load(entries)
        assert [hit.key for hit in view.find("needle")] == [keys[0], keys[1], keys[1], keys[3]]
        found = view.find("needle here")
        assert [hit.key for hit in found] == [keys[1], keys[1]]
        for hit in found:
            view.mark(hit, "needle here")
            await until(pilot, lambda: marked_text(view) == "needle here")
        assert view.find("**") == []
        view.mark(None)
        await pilot.pause()
        assert marked_text(view) == ""


async def test_a_hit_far_away_is_brought_into_view_and_stays_marked_at_another_width() -> None:
    view = TranscriptView()
    async with running(Host(view), (60, 16)) as pilot:
        view.load(conversation(400))
        hit = view.find("question 77")[0]
        view.mark(hit, "question 77")
        await until(pilot, lambda: marked_text(view) == "question 77")
        assert not view.following
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: marked_text(view) == "question 77")


async def test_an_entry_can_be_put_at_the_top() -> None:
    view = TranscriptView()
    async with running(Host(view), (60, 16)) as pilot:
        keys = view.load(conversation(50))
        view.show_top(keys[21])
        await until(pilot, lambda: rows(view)[1] == "question 21")
        with pytest.raises(KeyError):
            view.show(keys[-1] + 1)


FEET = ("local · gemma3:27b · 1.9 s · 208 tok/s · 312 tok · free", "local · gemma3:27b · 1.9 s", "local · gemma3:27b")


@pytest.mark.parametrize("width", [80, 71, 60, 40, 24, 16])
@pytest.mark.parametrize("mark", Completeness)
async def test_the_completeness_mark_is_never_cut(width: int, mark: Completeness) -> None:
    view = TranscriptView()
    async with running(Host(view), (width, 12)) as pilot:
        view.append(AnswerEntry(text="so", foot=FEET[0], shorter_feet=FEET[1:], completeness=mark))
        await pilot.pause()
        foot = rows(view)[2]
        assert foot.endswith(mark.value)
        assert cell_len(foot) <= width
        said = foot.removesuffix(mark.value)[:-2].rstrip()
        assert said in FEET or (width < 40 and any(line.startswith(said.rstrip("…")) for line in FEET))


async def test_the_end_of_a_flood_is_seen_at_once_and_above_it_soon_everything() -> None:
    text = "".join(
        f"## Part {number}\n\nA *paragraph* of it.\n\n- one\n- two\n\n```\ncode\n```\n\n" for number in range(900)
    )
    text += "This is the end"
    view, stored = TranscriptView(), TranscriptView()
    ended = AnswerEntry(head=OPEN.head, text=text, foot="1 s", completeness=Completeness.FULL)
    async with running(Host(stored)) as pilot:
        stored.append(ended)
        await pilot.pause()
        at_the_end = rows(stored)
        stored.scroll_to(y=1_234)
        await pilot.pause()
        in_the_middle, whole = rows(stored), stored.virtual_size.height
    async with running(Host(view)) as pilot:
        key = view.begin_answer(OPEN)
        view.feed(key, text)
        view.finish(key, ended)
        await until(pilot, lambda: "This is the end" in screen_text(pilot.app))
        assert view.busy, "the rest of it is not there yet"
        meanwhile = [row for row in rows(view) if row]
        assert meanwhile[-8:] == [row for row in at_the_end if row][-9:-1], "all but the foot"
        await until(pilot, lambda: not view.busy)
        assert rows(view) == at_the_end
        assert view.virtual_size.height == whole
        view.scroll_to(y=1_234)
        await pilot.pause()
        assert rows(view) == in_the_middle
