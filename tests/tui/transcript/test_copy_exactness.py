"""What the mouse selects is what was written: code to the last blank, whole answers as their source, any width."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.geometry import Offset
from textual.selection import Selection

from llmdesk.core.text import sanitise
from llmdesk.tui.transcript.code import code_rows
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, Completeness, UserEntry
from llmdesk.tui.transcript.layout import Layout
from llmdesk.tui.transcript.lines import from_rendered
from llmdesk.tui.transcript.markdown import Renderer, code_blocks
from llmdesk.tui.transcript.selection import copied, packed
from llmdesk.tui.transcript.view import TranscriptView
from tests.support.markdown_documents import documents
from tests.support.screens import Host, plain_palette, running, screen_lines

if TYPE_CHECKING:
    from llmdesk.tui.transcript.lines import Line

CODE = st.text(alphabet=" \tabcx=+'\"#():\n你é€😀{}", max_size=200).map(sanitise)
LANGUAGES = st.sampled_from(["", "python", "json", "make", "diff", "no-such-language"])


@settings(max_examples=80, deadline=None)
@given(code=CODE, language=LANGUAGES, width=st.integers(min_value=4, max_value=60))
def test_the_rows_of_a_code_block_copy_as_the_code(code: str, language: str, width: int) -> None:
    lines = from_rendered(code_rows(code, language, plain_palette(), width))
    assert copied(lines, None, None) == code


@settings(max_examples=50, deadline=None)
@given(code=CODE, width=st.integers(min_value=20, max_value=60), where=st.sampled_from(["{}", "> {}", "- {}", "1. {}"]))
def test_a_fence_copies_exactly_however_it_is_nested(code: str, width: int, where: str) -> None:
    fence = f"~~~~~~\n{code}\n~~~~~~"
    first, rest = where.format(""), {"> ": "> ", "- ": "  ", "1. ": "   ", "": ""}[where.format("")]
    text = "\n".join((first if not at else rest) + line for at, line in enumerate(fence.split("\n")))
    renderer = Renderer(plain_palette())
    lines = [line for line in renderer.document(text, width) if line.end is not None]
    (block,) = code_blocks(text)
    assert _joined(lines) == block.text.removesuffix("\n")


def _joined(lines: list[Line]) -> str:
    """Copy rows of code that stand below each other."""
    return copied(lines, None, None)


@settings(max_examples=40, deadline=None)
@given(code=CODE, data=st.data())
def test_any_part_of_code_copies_as_that_part(code: str, data: st.DataObject) -> None:
    """Each of the source's lines that is selected from its first column to its end comes out as it was written."""
    sources = code.split("\n")
    lines = from_rendered(code_rows(code, "", plain_palette(), 400))
    first = data.draw(st.integers(min_value=0, max_value=len(sources) - 1))
    last = data.draw(st.integers(min_value=first, max_value=len(sources) - 1))
    assert copied(lines, (first, 0), (last, -1)) == "\n".join(sources[first : last + 1])


BLOCKS = (
    "# A heading", "Words *set* in **many** ways, `code` and a [link](https://example.org/a).",
    "| a | b |\n|---|---|\n| 1 | two |", "- one\n- two\n  1. deep", "> quoted 你好",
    "```python\ndef f():\n\treturn 1   \n\n\nx = '你好'\n```", "The end.",
)  # fmt: skip
ANSWER = "\n\n".join(BLOCKS)


@pytest.mark.parametrize("size", [(40, 60), (80, 60), (120, 60)])
async def test_an_answer_dragged_over_from_its_head_to_its_foot_is_its_source(size: tuple[int, int]) -> None:
    view = TranscriptView()
    async with running(Host(view), size) as pilot:
        view.append(UserEntry(text="the question", at="14:20"))
        view.append(AnswerEntry(head="local · gemma3:27b", text=ANSWER, foot="1.9 s", completeness=Completeness.FULL))
        view.append(UserEntry(text="the next one", at="14:21"))
        await pilot.pause()
        rows = screen_lines(pilot.app)
        top = next(y for y, row in enumerate(rows) if "gemma3" in row)
        foot = next(y for y, row in enumerate(rows) if "1.9 s" in row)
        await pilot.mouse_down(view, offset=(0, top))
        await pilot.hover(view, offset=(10, foot - 2))
        await pilot.hover(view, offset=(5, foot))
        await pilot.mouse_up(view, offset=(5, foot))
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == ANSWER


async def test_a_code_block_dragged_over_is_its_lines_with_tabs_and_blanks_and_no_padding() -> None:
    code = "def f():\n\treturn 1   \n\n\tx = '你好你好'  # " + "long " * 20 + "\n\tend"
    view = TranscriptView()
    async with running(Host(view), (60, 40)) as pilot:
        view.append(AnswerEntry(head="local", text=f"Before.\n\n```python\n{code}\n```\n\nAfter."))
        await pilot.pause()
        rows = screen_lines(pilot.app)
        first = next(y for y, row in enumerate(rows) if "def f" in row)
        last = next(y for y, row in enumerate(rows) if row.strip() == "end")
        await pilot.mouse_down(view, offset=(2, first))
        await pilot.hover(view, offset=(12, last - 1))
        await pilot.hover(view, offset=(40, last))
        await pilot.mouse_up(view, offset=(40, last))
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == code


async def test_wide_letters_are_selected_whole_and_by_their_own_columns() -> None:
    view = TranscriptView()
    async with running(Host(view), (60, 20)) as pilot:
        view.append(AnswerEntry(text="你好世界 and more"))
        await pilot.pause()
        await pilot.mouse_down(view, offset=(2, 0))
        await pilot.hover(view, offset=(4, 0))
        await pilot.hover(view, offset=(6, 0))
        await pilot.mouse_up(view, offset=(6, 0))
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() in ("好世", "好世界")


async def test_a_selection_over_several_entries_is_parts_at_its_ends_and_sources_between() -> None:
    view = TranscriptView()
    async with running(Host(view), (60, 40)) as pilot:
        keys = [
            view.append(UserEntry(text="first question", at="14:20")),
            view.append(AnswerEntry(head="local", text="**first** answer")),
            view.append(UserEntry(text="second question", at="14:21")),
        ]
        await pilot.pause()
        start, end = Offset(6, packed(keys[0], 1)), Offset(6, packed(keys[2], 1))
        found = view.get_selection(Selection(start, end))
        assert found is not None
        assert found[0] == "question\n\n**first** answer\n\nyou · 14:21\nsecond"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6).map("\n\n".join),
    width=st.integers(min_value=12, max_value=100),
)
def test_every_answer_selected_whole_is_its_source(text: str, width: int) -> None:
    async def check() -> None:
        view = TranscriptView()
        async with running(Host(view), (width, 20)) as pilot:
            key = view.append(AnswerEntry(head="local", text=text, foot="1.9 s", completeness=Completeness.FULL))
            await pilot.pause()
            item = view._items[0]
            whole = Selection(Offset(0, packed(key, 0)), Offset(3, packed(key, item.body[1])))
            found = view.get_selection(whole)
            assert found is not None
            assert found[0] == text.strip("\n")

    asyncio.run(check())


def test_an_earlier_version_copies_its_code_exactly_too() -> None:
    from llmdesk.tui.transcript.entries import VersionEntry

    entry = VersionEntry(entries=(AnswerEntry(text="```\n\ta = 1  \nb\n```"),), turns=1)
    lines = Layout(Renderer(plain_palette()), 40).lines(entry, unfolded=True)
    assert copied([line for line in lines if line.end is not None], None, None) == "\ta = 1  \nb"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=documents(), widths=st.lists(st.integers(min_value=12, max_value=130), min_size=2, max_size=2))
def test_any_document_selected_whole_is_its_source_after_a_resize_too(text: str, widths: list[int]) -> None:
    async def check() -> None:
        view = TranscriptView()
        async with running(Host(view), (widths[0], 20)) as pilot:
            key = view.append(AnswerEntry(head="local", text=text, foot="1.9 s", completeness=Completeness.FULL))
            for width in widths:
                await pilot.resize_terminal(width, 20)
                await pilot.pause()
                view._measured(0)
                whole = Selection(Offset(0, packed(key, 0)), Offset(1, packed(key, view._items[0].body[1])))
                found = view.get_selection(whole)
                assert (found[0] if found else "") == sanitise(text).strip("\n")

    asyncio.run(check())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    code=st.lists(CODE.map(lambda text: text.replace("\n", " ")), min_size=1, max_size=12),
    before=st.sampled_from(BLOCKS), width=st.integers(min_value=30, max_value=120), data=st.data(),
)  # fmt: skip
def test_lines_of_code_dragged_over_by_mouse_are_those_lines_while_the_answer_grows(
    code: list[str], before: str, width: int, data: st.DataObject
) -> None:
    """Each row is found by a number in front, which stands at the start of its line only."""
    source = [f"{number:02}{line}" for number, line in enumerate(code)]
    first = data.draw(st.integers(min_value=0, max_value=len(source) - 1))
    last = data.draw(st.integers(min_value=first, max_value=len(source) - 1))
    text = f"{before}\n\n~~~~~~text\n" + "\n".join(source) + "\n~~~~~~\n"

    async def check() -> None:
        view = TranscriptView()
        async with running(Host(view), (width, 100)) as pilot:
            key = view.begin_answer(AnswerEntry(head="local", state=AnswerState.OPEN))
            view.feed(key, text)
            while view.busy:
                await pilot.pause()
            await pilot.pause()
            item = view._items[0]
            lines = [line for part in item.parts or () for line in part]
            starts = [at for at, line in enumerate(lines) if line.end is not None and line.join == "\n"]
            starts = starts[-len(source) :]
            ends = [*[at - 1 for at in starts[1:]], max(at for at, line in enumerate(lines) if line.end is not None)]
            top, bottom = starts[first], ends[last]
            await pilot.mouse_down(view, offset=(0, top))
            await pilot.hover(view, offset=(1, bottom))
            await pilot.hover(view, offset=(width - 3, bottom))
            await pilot.mouse_up(view, offset=(width - 3, bottom))
            await pilot.pause()
            selected = pilot.app.screen.get_selected_text() or ""
            assert selected == "\n".join(source[first : last + 1])
            view.feed(key, "\nMore *of* it.\n" * 30)
            while view.busy:
                await pilot.pause()
            assert pilot.app.screen.get_selected_text() == selected  # what comes later moves nothing
            view.finish(key, AnswerEntry(head="local", text=view.text_of(key), foot="1 s"))
            while view.busy:
                await pilot.pause()
            assert pilot.app.screen.get_selected_text() == selected

    asyncio.run(check())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(documents(), min_size=3, max_size=5), width=st.integers(min_value=20, max_value=110))
def test_entries_between_the_ends_of_a_selection_are_their_sources(texts: list[str], width: int) -> None:
    async def check() -> None:
        view = TranscriptView()
        async with running(Host(view), (width, 20)) as pilot:
            keys = [view.append(UserEntry(text="asked of it", at="14:20"))]
            keys += [view.append(AnswerEntry(head="local", text=text, foot="1 s")) for text in texts]
            keys.append(view.append(UserEntry(text="asked again", at="14:21")))
            await pilot.pause()
            for index in (0, len(keys) - 1):
                view._measured(index)
            found = view.get_selection(Selection(Offset(6, packed(keys[0], 1)), Offset(5, packed(keys[-1], 1))))
            assert found is not None
            sources = [source for text in texts if (source := sanitise(text).strip("\n"))]
            assert found[0] == "\n\n".join(["of it", *sources, "you · 14:21\nasked"])

    asyncio.run(check())


async def test_a_resize_leaves_no_selection_at_another_place() -> None:
    view = TranscriptView()
    async with running(Host(view), (60, 20)) as pilot:
        view.append(AnswerEntry(head="local", text=ANSWER))
        await pilot.pause()
        await pilot.mouse_down(view, offset=(2, 3))
        await pilot.hover(view, offset=(9, 5))
        await pilot.mouse_up(view, offset=(9, 5))
        await pilot.pause()
        assert pilot.app.screen.get_selected_text()
        await pilot.resize_terminal(41, 20)
        await pilot.pause()
        assert not pilot.app.screen.get_selected_text()
