"""A text that arrives in pieces looks in the end like one that came at once, and no unit is rendered twice."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from llmdesk.core.text import Sanitiser, sanitise
from llmdesk.tui.transcript.document import BULK_CHARS, Document
from llmdesk.tui.transcript.entries import AnswerEntry, AnswerState, Completeness
from llmdesk.tui.transcript.item import Item, OpenAnswer
from llmdesk.tui.transcript.layout import Layout
from llmdesk.tui.transcript.markdown import Renderer, code_blocks
from tests.support.markdown_documents import documents
from tests.support.screens import plain_palette

RENDERER = Renderer(plain_palette())

DOCUMENTS = {
    "list or emphasis": "para\n\n* a\n*bold* lazy\n* b\n\n   more of b\n*\n*so* it is\n\n- \n\n  x\n* * *\n- ---\n",
    "numbered": "9. nine\n9. ten\n\n   ```py\n   code\n\n   more\n   ```\n11. eleven\n1) other\n1) other two\n",
    "setext": "Title\n===\n\nfoo\n---\nbar\n***\n# h #\n####### no heading\n",
    "references": "[ref] and [r2][ref]\n\n- [ref]\n\n[ref]: http://a.b/x\n  'a title\n over lines'\n\nend [ref]\n",
    "title torn": '[x]: /u\n"ti\ntle"\n\n[x] [y][x] ![i][x]\n',
    "table": "| a | b |\n|:--|--:|\n| 1 | **2** |\n| `c|d` | [l](http://q.example) |\nnot | table\n\nend\n",
    "quote": "> quote\n> - list\n>   > deep\nlazy\n\n    indented\n\n    code\n",
    "fences": "~~~\nx\n```\n~~~~\nafter\n```py\n  in\n ```\n    ```\n  ```` \nx\n``` unclosed ~\n`` \n  ``",
    "html": "<div>\n*x*\n</div>\n<!-- c -->\n\n    code\n<script>alert(1)</script> &#x202e; &lt; \\* a\\\nb  \nc\n",
    "wide": "日本語 テキスト " * 9 + "\n\n| 日本 | ① |\n|--|--|\n| 日本 | x |\n\n👩‍👩‍👧 e\u0301 \t tab\n",
    "returns": "one\r\ntwo\r\n\r\n- a\r\n- b\r\n\x1b[31mred\x1b[0m\r",
}


END_FIRST = st.sampled_from([None, 1, 4, 40])
"""How many lines at the end are wanted first; ``None`` = all in their order."""


def lines_at_once(text: str, width: int) -> list[object]:
    return list(RENDERER.document(sanitise(text), width))


def lines_in_pieces(text: str, width: int, cuts: list[int], looks: list[bool], rows: int | None = None) -> list[object]:
    document, sanitiser = Document(RENDERER, width), Sanitiser()
    edges = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    for number, (start, end) in enumerate(pairwise(edges)):
        document.feed(sanitiser.feed(text[start:end]))
        if looks[number % len(looks)]:
            document.advance(None if rows is None else 60, rows)
    document.feed(sanitiser.finish())
    document.close()
    assert not document.tail
    return list(document.done)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("width", [80, 23])
def test_one_character_at_a_time_looks_like_all_at_once(name: str, width: int) -> None:
    text = DOCUMENTS[name]
    assert lines_in_pieces(text, width, list(range(len(text))), [True]) == lines_at_once(text, width)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.lists(st.sampled_from(sorted(DOCUMENTS)), min_size=1, max_size=3),
    cuts=st.lists(st.integers(0, 2_000), max_size=25),
    looks=st.lists(st.booleans(), min_size=1, max_size=7),
    width=st.sampled_from([100, 40, 12, 1]),
    rows=END_FIRST,
)
def test_any_chunking_of_known_traps_looks_like_all_at_once(
    names: list[str], cuts: list[int], looks: list[bool], width: int, rows: int | None
) -> None:
    text = "\n".join(DOCUMENTS[name] for name in names)
    assert lines_in_pieces(text, width, cuts, looks, rows) == lines_at_once(text, width)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.text(alphabet=" \n\t*-_#>`~|[]()!:1.2)+=<&;\\ab日\u0301\x1b", max_size=120),
    cuts=st.lists(st.integers(0, 120), max_size=12),
    width=st.sampled_from([60, 9]),
    rows=END_FIRST,
)
def test_any_soup_of_signs_looks_like_all_at_once(text: str, cuts: list[int], width: int, rows: int | None) -> None:
    assert lines_in_pieces(text, width, cuts, [True], rows) == lines_at_once(text, width)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=documents(),
    cuts=st.lists(st.integers(0, 5_000), max_size=30),
    looks=st.lists(st.booleans(), min_size=1, max_size=5),
    width=st.integers(1, 130),
    rows=END_FIRST,
)
def test_any_document_in_any_chunks_at_any_width_looks_like_all_at_once(
    text: str, cuts: list[int], looks: list[bool], width: int, rows: int | None
) -> None:
    assert lines_in_pieces(text, width, cuts, looks, rows) == lines_at_once(text, width)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=documents(), cuts=st.lists(st.integers(0, 5_000), max_size=12), width=st.integers(2, 120))
def test_an_answer_that_streamed_stands_as_a_stored_one_does(text: str, cuts: list[int], width: int) -> None:
    layout = Layout(Renderer(plain_palette()), width)
    growing = OpenAnswer(0, AnswerEntry(head="local", state=AnswerState.OPEN))
    growing.lay_out(layout)
    edges = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    for start, end in pairwise(edges):
        growing.feed(text[start:end])
        growing.lay_out(layout)
    ended = AnswerEntry(head="local", text=text, foot="1.9 s", completeness=Completeness.FULL)
    closed, stored = growing.closed(ended, layout), Item(0, ended)
    stored.lay_out(layout)
    assert [list(part) for part in closed.parts or ()] == [list(part) for part in stored.parts or ()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=documents(), width=st.integers(2, 120))
def test_no_line_is_wider_than_the_view_unless_it_has_no_room(text: str, width: int) -> None:
    if width >= 24:  # below that deep nesting stands out, and is cut by the view
        assert all(cell_len(line.text) <= width for line in RENDERER.document(sanitise(text), width))


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" + "def f(x):\n\treturn '''x\n" * 800 + "```\nend\n",
        "| a | b |\n|---|---|\n" + "| a cell | other |\n" * 700 + "\nend\n",
        "word " * 3_000 + "\nend",
        "- an item of many words\n" * 600 + "\n1. a\n" * 30,
        "> a quote\n" * 1_500,
    ],
    ids=["fence", "table", "paragraph", "list", "quote"],
)
def test_a_block_of_many_kilobytes_looks_like_all_at_once(text: str) -> None:
    assert len(text) > BULK_CHARS
    rng = random.Random(7)
    cuts = sorted(rng.sample(range(len(text)), 40))
    assert lines_in_pieces(text, 80, cuts, [True]) == lines_at_once(text, 80)


def test_each_unit_of_a_long_answer_is_rendered_once_and_the_open_one_per_frame() -> None:
    renderer = Renderer(plain_palette())
    text = "".join(f"Paragraph {number} with *some* words.\n\n- item\n- item\n\n" for number in range(300))
    document, frames = Document(renderer, 80), 0
    for start in range(0, len(text), 100):
        document.feed(text[start : start + 100])
        document.advance()
        frames += 1
    document.close()
    units = len(renderer.units(text))
    # Each unit once when it is finished; beyond that only what is open at the end of a frame (at most a few lines).
    assert units <= renderer.counted <= units + 3 * frames


def test_the_end_of_a_flood_is_there_first_and_the_rest_after_it() -> None:
    renderer = Renderer(plain_palette())
    text = "".join(f"Paragraph {number} with *some* words.\n\n" for number in range(600))
    document = Document(renderer, 80)
    document.feed("# Begin\n\nIt begins.\n\n")
    document.advance(100_000, 40)
    document.feed(text + "and *ends")
    document.advance(100_000, 40)
    assert renderer.counted < 60, "not many more than are seen"
    assert document.pending
    shown = [line.text for part in document.parts for line in part]
    assert shown[:2] == ["# Begin", ""]
    assert shown[-41:] == [
        line for number in range(580, 600) for line in (f"Paragraph {number} with some words.", "")
    ] + ["and *ends"]
    assert len(shown) == 2 + 2 + 2 * 600 + 1, "and what is missing has about its room"
    before = renderer.counted
    while document.pending:
        document.advance(100_000, 40)
        assert renderer.counted - before <= 310, "so much that a key is not kept waiting"
        before = renderer.counted
    shown = [line.text for part in document.parts for line in part]
    assert [line for line in shown if line.startswith("Paragraph")] == [
        f"Paragraph {number} with some words." for number in range(600)
    ]
    assert renderer.counted < 700, "and nothing twice but the open end"


def test_frames_of_a_long_fence_look_at_its_last_lines_only() -> None:
    renderer = Renderer(plain_palette())
    document = Document(renderer, 80)
    document.feed("```python\n")
    document.advance()
    for _ in range(1_000):
        document.feed("    return parse(line) + 1  # a comment\n")
        document.advance()
    assert renderer.counted <= 1
    assert len(document.tail) == 1_000


def test_what_is_shown_meanwhile_has_every_character() -> None:
    text = "```\n" + "".join(f"line {number}\n" for number in range(200))
    document = Document(RENDERER, 80)
    for start in range(0, len(text), 37):
        document.feed(text[start : start + 37])
        document.advance()
    shown = [line.text.strip() for line in [*document.done, *document.tail]]
    assert shown == [f"line {number}" for number in range(200)]


def test_code_blocks_are_given_as_received_wherever_they_are() -> None:
    text = "- a\n\n  ```py\n  x\t= 1\n\n  y = 2\n  ```\n\n~~~\nplain\n~~~\n\n    indented\n"
    assert [(piece.language, piece.text) for piece in code_blocks(text)] == [
        ("py", "x\t= 1\n\ny = 2\n"),
        ("", "plain\n"),
        ("", "indented\n"),
    ]
