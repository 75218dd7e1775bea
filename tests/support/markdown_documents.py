"""Markdown as models write it, and worse, for property tests: documents of random blocks, nested and torn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

WORDS = st.sampled_from([
    "word", "a", "of", "*emphasis*", "**strong**", "~~struck~~", "`code`", "``a`b``", "[link](http://x.example/y)",
    "[ref]", "[text][ref]", "[Ref][]", "![alt](pic.png)", "![alt][ref]", "<b>", "</i>", "<!-- no -->", "&amp;", "\\*",
    "日本語", "テキスト", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "é", "e\u0301", "|", "1.", "-", "*", "_under_", "https://auto.example",
    "<http://angle.example>", "x" * 40, "a\tb", "  ", "$x^2$", "\x1b[31m", "\u202e",
])  # fmt: skip
"""Parts of a line, harmless ones and those that read as something else at its start."""

LINES = st.lists(WORDS, min_size=1, max_size=9).map(" ".join)
LANGUAGES = st.sampled_from(["", "python", "json", "bash", "diff", "html", "no-such-language", "py title=x"])
CODE_LINES = st.sampled_from(
    ["x = 1", "", "\tindented", "    deep", "# comment", "'''", '"""', "日本 = '👩‍👩‍👧'", "```", "~~", "| a | b |",
     "- x", "trailing  ", "long " * 30, "}", "+added", "-removed", "   ", "\t"]
)  # fmt: skip


def _paragraphs() -> SearchStrategy[str]:
    return st.lists(LINES, min_size=1, max_size=4).map("\n".join)


def _headings() -> SearchStrategy[str]:
    atx = st.tuples(st.integers(1, 7), LINES).map(lambda made: f"{'#' * made[0]} {made[1]}")
    setext = st.tuples(_paragraphs(), st.sampled_from(["===", "---", "=", "-----  ", "- -"])).map("\n".join)
    return atx | setext


@st.composite
def _fences(draw: st.DrawFn) -> str:
    marker = draw(st.sampled_from(["```", "~~~", "````", "  ```"]))
    code = draw(st.lists(CODE_LINES, max_size=12)) * draw(st.sampled_from([1, 1, 1, 8]))
    closing = draw(st.sampled_from([marker, marker, f"{marker}{marker.strip()[0]}", f"{marker}  ", None]))
    return "\n".join([f"{marker}{draw(LANGUAGES)}", *code, *([] if closing is None else [closing])])


@st.composite
def _tables(draw: st.DrawFn) -> str:
    columns = draw(st.integers(1, 4))
    row = st.lists(LINES.filter(lambda line: "|" not in line), min_size=0, max_size=columns + 1).map(
        lambda cells: f"| {' | '.join(cells)} |"
    )
    names, rules = (
        draw(st.lists(st.sampled_from(choices), min_size=columns, max_size=columns))
        for choices in (["name", "ä", "日本", ""], ["---", ":--", "--:", ":-:"])
    )
    return "\n".join([f"| {' | '.join(names)} |", f"|{'|'.join(rules)}|", *draw(st.lists(row, max_size=6))])


def _nested(blocks: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.one_of(_lists(blocks), _quotes(blocks))


@st.composite
def _lists(draw: st.DrawFn, blocks: SearchStrategy[str]) -> str:
    marker = draw(st.sampled_from(["- ", "* ", "+ ", "1. ", "9. ", "3) ", "-   ", "- [ ] "]))
    indent = " " * draw(st.sampled_from([len(marker), len(marker), 2, 4]))
    gap = draw(st.sampled_from(["\n", "\n", "\n\n"]))
    items = []
    for item in draw(st.lists(st.lists(blocks, min_size=1, max_size=2), min_size=1, max_size=4)):
        lines = draw(st.sampled_from(["\n", "\n\n"])).join(item).split("\n")
        items.append("\n".join([marker + lines[0], *(indent + line if line else "" for line in lines[1:])]))
    return gap.join(items)


@st.composite
def _quotes(draw: st.DrawFn, blocks: SearchStrategy[str]) -> str:
    inner = "\n\n".join(draw(st.lists(blocks, min_size=1, max_size=2)))
    quoted = "\n".join(draw(st.sampled_from(["> ", ">", "> "])) + line for line in inner.split("\n"))
    lazy = draw(st.sampled_from(["", "", "\nlazy goes on", "\nlazy\nand on"]))
    return quoted + lazy


DEFINITIONS = st.sampled_from(
    ["[ref]: http://ref.example", "[ref]: <http://a b> 'title'", '[ref]: /u\n"torn\ntitle"', "[ref]:\n  http://below.example",
     "[REF]: mailto:x@y.example", "[^1]: a note"]
)  # fmt: skip
OTHERS = st.sampled_from(
    ["***", "---", "_ _ _", "<div>\n*x*\n</div>", "<script>\n\nalert(1)\n</script>", "<!-- a\n\nb -->",
     "    indented\n\n    code", "\tindented", "a  \nhard break", "a\\\nbreak", "Term\n: meaning", "$$\nx\n$$"]
)  # fmt: skip

LEAVES = st.one_of(_paragraphs(), _headings(), _fences(), _tables(), OTHERS, DEFINITIONS)
BLOCKS = st.recursive(LEAVES, _nested, max_leaves=4)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document of several blocks, some of them joined without a gap, with any line ending."""
    text = ""
    for block in draw(st.lists(BLOCKS, min_size=1, max_size=7)):
        text += block + draw(st.sampled_from(["\n\n", "\n\n", "\n\n", "\n", "\n\n\n", "\n  \n"]))
    text = text if draw(st.booleans()) else text.rstrip("\n")
    return text.replace("\n", draw(st.sampled_from(["\n", "\n", "\n", "\r\n"])))
