"""What Markdown looks like, and what it must never become: a link nobody sees, or a control sequence."""

from __future__ import annotations

import pytest

from llmdesk.core.text import sanitise
from llmdesk.tui.transcript.markdown import Renderer
from tests.support.screens import plain_palette

RENDERER = Renderer(plain_palette())


def look(text: str, width: int = 60) -> list[str]:
    return [line.text.rstrip() for line in RENDERER.document(sanitise(text), width)]


def test_blocks_stand_apart_and_items_together() -> None:
    text = "# Title\n\npara *one*\n\n- a\n- b\n   - c\n\n3. x\n4. y\n\n> q\n\n---\n\n```py\nx = 1\n```\n"
    assert look(text, 20) == [
        "# Title", "", "para one", "", " • a", " • b", "    • c", "", " 3. x", " 4. y", "", "▌ q", "", "─" * 20, "",
        "  x = 1",
    ]  # fmt: skip


def test_a_table_has_columns() -> None:
    assert look("| name | n |\n|---|--:|\n| one | 1 |\n| three | 30 |\n") == [
        " name    n", " " + "─" * 9, " one     1", " three  30",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("[site](https://example.org/a)", "site (https://example.org/a)"),
        ("<https://example.org>", "https://example.org"),
        ("<me@example.org>", "me@example.org"),
        ("[file](file:///etc/passwd)", "[file](file:///etc/passwd)"),
        ("[run](javascript:alert(1))", "[run](javascript:alert(1))"),
        ("[rel](docs/x.md)", "rel (docs/x.md)"),
        ("[ssh](ssh://host)", "ssh (ssh://host)"),
        ("![cat](http://example.org/c.png)", "[image: cat] (http://example.org/c.png)"),
        ("[a *b* `c`](https://example.org)", "a b c (https://example.org)"),
    ],
)
def test_a_link_shows_where_it_goes(source: str, shown: str) -> None:
    assert look(source) == [shown]


def test_only_safe_schemes_look_like_links() -> None:
    palette = RENDERER.palette
    for source, linked in (("[x](https://example.org)", True), ("[x](ssh://example.org)", False)):
        (line,) = RENDERER.document(source, 60)
        colours = {segment.style.color for segment in line.segments if segment.style}
        assert (palette["link"].color in colours) is linked


def test_nothing_becomes_a_terminal_link() -> None:
    lines = RENDERER.document("[x](https://example.org) <https://example.org> ![i](https://example.org)", 60)
    styles = [segment.style for line in lines for segment in line.segments if segment.style]
    assert RENDERER.palette["link"].color in {style.color for style in styles}
    assert {style.link for style in styles} == {None}


def test_entities_cannot_smuggle_control_characters() -> None:
    shown = "".join(
        look("&#27;[31m &#x9b; &#x202e; &rlm; a&#13;b &#7; &ZeroWidthSpace; &#xfeff; [l](http://a/&#x202e;)")
    )
    assert not set(shown) & set("\x1b\x9b\u202e\u200f\r\x07\u200b\ufeff")


def test_html_is_text() -> None:
    assert look("<b>x</b> <script>alert(1)</script>") == ["<b>x</b> <script>alert(1)</script>"]


def test_code_is_coloured_by_the_palette_and_folded_not_wrapped() -> None:
    code, keyword = RENDERER.palette["code"], RENDERER.palette["code-keyword"]
    lines = RENDERER.document("```python\nreturn abcdefghij\n```", 12)
    assert [line.text for line in lines] == ["  return abc", "  defghij   "]
    assert [line.join for line in lines] == ["\n", ""]
    colours = [segment.style.color for segment in lines[0].segments if segment.style]
    assert keyword.color in colours
    assert code.color in colours


@pytest.mark.parametrize("language", ["", "no-such-language", "py;rm", "x" * 500, "../../etc"])
def test_an_unknown_language_is_plain(language: str) -> None:
    assert look(f"```{language}\nx = 1\n```") == ["  x = 1"]


@pytest.mark.parametrize("width", [1, 2, 5, 9])
def test_no_width_is_too_small(width: int) -> None:
    text = (
        "> > > - 1. > deep *text*\n\n| a | b | c | d | e |\n|-|-|-|-|-|\n| 日本 | b | c | d | e |\n\n```\n日本語\n```"
    )
    assert RENDERER.document(text, width)
