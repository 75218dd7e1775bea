"""Finding a value in a JSON document by its path: the part of RFC 9535 that a tool's output needs, without a library.

``$.result``, ``$['content-type']``, ``$.items[0].text``, ``$.items[-1]``, ``$.usage.*``, ``$.items[*].text`` and
filters that compare one member: ``$[?@.type == 'agent_message'].text``, ``$.items[?@.text]``. No regular expressions,
functions or ``..``, so that no document can make a search expensive.
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import islice

from llmdesk.core.values import dataclass

MAX_FOUND = 10_000
"""How many values one path may find; a hostile document holds more."""

_NAME = r"[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff-]*"
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""


@cache
def _syntax() -> re.Pattern[str]:
    """One step of a path; compiled for the first path, since few configurations hold one."""
    return re.compile(
        rf"\.(?P<name>{_NAME})"
        rf"|(?P<any>\.\*|\[\*\])"
        rf"|\[\s*(?P<quoted>{_QUOTED})\s*\]"
        rf"|\[\s*(?P<index>-?\d{{1,9}})\s*\]"
        rf"|\[\?\s*@(?P<inner>(?:\.{_NAME})+)\s*"
        rf"(?:(?P<sign>==|!=)\s*(?P<value>{_QUOTED}|-?\d{{1,15}}|true|false|null)\s*)?\]"
    )


class PathError(ValueError):
    """A text that is no path this module reads; the message quotes the part that is not understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filter:
    """Keeps the members whose own member at ``names`` exists, or (``sign``) compares with ``value``."""

    names: tuple[str, ...]
    sign: str
    value: object

    def keeps(self, node: object) -> bool:
        for name in self.names:
            if not isinstance(node, dict) or name not in node:
                return self.sign == "!="
            node = node[name]
        if not self.sign:
            return True
        same = node == self.value and isinstance(node, bool) == isinstance(self.value, bool)
        return same == (self.sign == "==")


class _Any:
    """Stands for every member."""


_Step = str | int | _Any | _Filter


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A parsed path."""

    text: str
    steps: tuple[_Step, ...]

    def find(self, document: object) -> list[object]:
        """Every value at this path, in the document's order; none where there is nothing."""
        found = [document]
        for step in self.steps:
            found = list(islice((value for node in found for value in _members(node, step)), MAX_FOUND))
            if not found:
                break
        return found


def parse_path(text: str) -> JsonPath:
    """Read a path.

    Raises:
        PathError: it does not begin with ``$``, or something in it is not understood.
    """
    if not text.startswith("$"):
        raise PathError("must be a path that begins with $, like $.result")
    steps: list[_Step] = []
    at = 1
    while at < len(text):
        step = _syntax().match(text, at)
        if step is None:
            raise PathError(f"'{text[at : at + 40]}' is not understood; a path is like $.items[0].text")
        steps.append(_step(step))
        at = step.end()
    return JsonPath(text, tuple(steps))


def _step(found: re.Match[str]) -> _Step:
    if (name := found["name"]) is not None:
        return name
    if found["any"] is not None:
        return _Any()
    if (quoted := found["quoted"]) is not None:
        return _unquoted(quoted)
    if (index := found["index"]) is not None:
        return int(index)
    value = found["value"]
    return _Filter(
        names=tuple(found["inner"][1:].split(".")),
        sign=found["sign"] or "",
        value=None if value is None else _unquoted(value) if value[0] in "'\"" else json.loads(value),
    )


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _members(node: object, step: _Step) -> list[object]:
    match step:
        case str():
            return [node[step]] if isinstance(node, dict) and step in node else []
        case int():
            return [node[step]] if isinstance(node, list) and -len(node) <= step < len(node) else []
        case _Any():
            return _children(node)
        case _Filter():
            return [child for child in _children(node) if step.keeps(child)]


def _children(node: object) -> list[object]:
    if isinstance(node, dict):
        return list(node.values())
    return list(node) if isinstance(node, list) else []
