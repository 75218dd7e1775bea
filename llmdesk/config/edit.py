"""Putting single settings into the text of a configuration, and leaving every other line of it as it is.

ruamel.yaml keeps comments and order on its way through, but not every space. So the file is written twice, without and
with the change, and only what differs between the two goes into the user's own text.
"""

from __future__ import annotations

import io
import re
from difflib import SequenceMatcher, unified_diff
from typing import TYPE_CHECKING, Any

from llmdesk.core.errors import UsageError
from llmdesk.core.text import redact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePath

    from ruamel.yaml import YAML

    from llmdesk.core.edits import Edit, Plain

CONTEXT_LINES = 3
"""Lines of the diff around each change."""

_INDENTED = re.compile(r"^( +)[^\s#-]", re.MULTILINE)
_ITEM = re.compile(r"^( *)[^\s#][^\n]*:[ \t]*(?:#[^\n]*)?\n( *)- ", re.MULTILINE)


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits in it; lines end in a line feed alone, and it is a configuration that can be parsed.

    Raises:
        UsageError: something on the way to a setting is no mapping.
    """
    yaml = _yaml(text)
    tree = yaml.load(text)
    if tree is None:  # comments alone: nothing that ruamel could hold them by
        return f"{text.rstrip()}\n\n{_dumped(yaml, _fresh(edits))}".lstrip("\n")
    base = _dumped(yaml, tree)
    for edit in edits:
        _apply(tree, edit)
    wanted = _dumped(yaml, tree)
    merged = _merged(text, base, wanted)
    return merged if _same(yaml, merged, wanted) else wanted


def diff_of(file: PurePath, before: str, after: str) -> tuple[str, ...]:
    """What changes, as ``diff -u`` shows it; secrets that are known are masked."""
    lines = unified_diff(
        before.splitlines(), after.splitlines(), str(file), str(file), lineterm="", n=CONTEXT_LINES
    )  # fmt: skip
    return tuple(redact(line) for line in lines)


def _yaml(text: str) -> YAML:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    steps = [len(found) for found in _INDENTED.findall(text)]
    step = min(steps, default=2)
    item = _ITEM.search(text)
    offset = len(item[2]) - len(item[1]) if item else 2
    yaml.indent(mapping=step, sequence=max(offset, 0) + 2, offset=max(offset, 0))
    return yaml


def _dumped(yaml: YAML, tree: object) -> str:
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def _fresh(edits: Sequence[Edit]) -> Any:
    from ruamel.yaml.comments import CommentedMap

    tree = CommentedMap()
    for edit in edits:
        _apply(tree, edit)
    return tree


def _apply(tree: Any, edit: Edit) -> None:
    from ruamel.yaml.comments import CommentedMap

    *way, key = edit.path
    here = tree
    for step in way:
        if not isinstance(here, CommentedMap):
            break
        if here.get(step) is None:
            if edit.remove:
                return
            here[step] = CommentedMap()
        here = here[step]
    if not isinstance(here, CommentedMap):
        raise UsageError(f"{'.'.join(way)} is no mapping in the file; it cannot be changed here.")
    if edit.remove:
        here.pop(key, None)
        return
    new = key not in here
    here[key] = _laid_over(here.get(key), edit.value)
    if new and edit.comment and not here.fa.flow_style():
        here.yaml_add_eol_comment(edit.comment, key)


def _laid_over(old: Any, value: Plain) -> Any:
    """The new value in the look of the old one; comments stay with the items they belong to."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, dict):
        made = CommentedMap()
        for key, each in value.items():
            made[key] = _laid_over(None, each)
        if not value:
            made.fa.set_flow_style()
        return made
    if not isinstance(value, list):
        return value
    items = CommentedSeq(value)
    if not isinstance(old, CommentedSeq) or old.fa.flow_style():
        items.fa.set_flow_style()
        return items
    items.fa.set_block_style()
    for at, item in enumerate(old):
        if at in old.ca.items and item in value:
            items.ca.items[value.index(item)] = old.ca.items[at]
    return items


def _merged(mine: str, base: str, wanted: str) -> str:
    """Take over into ``mine`` what differs between ``base`` and ``wanted``, which are two renderings of it."""
    mine_lines, base_lines, wanted_lines = (text.splitlines(keepends=True) for text in (mine, base, wanted))
    places = _places(base_lines, mine_lines)
    merged: list[str] = []
    done = 0
    for kind, begin, end, first, last in SequenceMatcher(a=base_lines, b=wanted_lines, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        start, stop = places[begin], max(places[end], places[begin])
        merged += mine_lines[done:start]
        if merged and not merged[-1].endswith("\n"):
            merged[-1] += "\n"
        merged += wanted_lines[first:last]
        done = stop
    return "".join([*merged, *mine_lines[done:]])


def _places(base: list[str], mine: list[str]) -> list[int]:
    """For each line of ``base`` (and its end) the line of ``mine`` that it stands for."""
    places = [0] * (len(base) + 1)
    matcher = SequenceMatcher(a=[_bare(line) for line in base], b=[_bare(line) for line in mine], autojunk=False)
    for _, begin, end, first, last in matcher.get_opcodes():
        for step in range(end - begin):
            places[begin + step] = min(first + step, last)
    places[len(base)] = len(mine)
    return places


def _bare(line: str) -> str:
    """A line without the spaces that ruamel sets as it likes."""
    return re.sub(r"\s+", "", line)


def _same(yaml: YAML, merged: str, wanted: str) -> bool:
    """Both texts say the same."""
    from ruamel.yaml.error import YAMLError

    try:
        return bool(yaml.load(merged) == yaml.load(wanted))
    except YAMLError:
        return False
