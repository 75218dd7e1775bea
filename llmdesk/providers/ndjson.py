"""Newline-delimited JSON: exact framing of bytes into objects, whatever the segments they come in.

Pure: bytes in, objects out. Strict where a lenient reader would guess (NaN, invalid UTF-8, over-long lines) and
tolerant where servers differ: blank lines, CRLF, no newline at the end, two objects in one line (policy O18, O22).
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, NoReturn

from llmdesk.core.json_cost import LEAVES, is_too_divided
from llmdesk.core.text import storable

if TYPE_CHECKING:
    from collections.abc import Iterator

_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_BLANK = " \t\r\n"
_SIMPLE = 4096
"""A line of so many bytes holds no more values than any limit allows."""


class FrameBroken(ValueError):
    """The bytes are no sequence of JSON objects; the text says why, without quoting them."""


class LineSplitter:
    """Cuts a stream of bytes into lines of at most ``cap`` bytes; blank ones are left out."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that ``data`` completes.

        Raises:
            FrameBroken: a line is longer than the cap.
        """
        if not self._held and data.isspace():
            return  # blank lines by the megabyte must cost nothing
        first, *more = data.split(b"\n")
        self._held += first
        self._check(len(self._held))
        if not more:
            return
        if line := bytes(self._held).strip():
            yield line
        *whole, rest = more
        for piece in whole:
            self._check(len(piece))
            if line := piece.strip():
                yield line
        self._check(len(rest))
        self._held = bytearray(rest)

    def finish(self) -> Iterator[bytes]:
        """Yield what stands after the last newline."""
        line, self._held = bytes(self._held).strip(), bytearray()
        if line:
            yield line

    def _check(self, length: int) -> None:
        if length > self._cap:
            raise FrameBroken("a line is longer than allowed")


def _refuse(constant: str) -> NoReturn:
    raise FrameBroken(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def objects(line: bytes, *, leaves: int = LEAVES) -> Iterator[dict[str, object]]:
    """Read the JSON objects of one line, lone surrogates replaced (policy Q4).

    Args:
        line: the bytes between two newlines.
        leaves: how many values it may hold.

    Raises:
        FrameBroken: it is not UTF-8, not JSON, too deep or too finely divided, has impossible numbers, or something
            that is no object.
    """
    if len(line) <= _SIMPLE:  # one small object, as nearly every line of every stream is
        try:
            text = line.decode()
            value, at = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            pass  # what is wrong with it is told below
        else:
            if at == len(text) and type(value) is dict and "\\u" not in text:
                return iter((value,))
    return _objects(line, leaves)


def _objects(line: bytes, leaves: int) -> Iterator[dict[str, object]]:
    for value in _values(line, leaves):
        if not isinstance(value, dict):
            raise FrameBroken("a line is no JSON object")
        yield value


def document(text: bytes, *, leaves: int = LEAVES) -> object:
    """Read one JSON document of any shape, as strictly as ``objects``.

    Raises:
        FrameBroken: see ``objects``; also when there is none, or more than one.
    """
    found = list(islice(_values(text.strip(), leaves), 2))
    if len(found) != 1:
        raise FrameBroken("it is not one JSON document")
    return found[0]


def _values(line: bytes, leaves: int) -> Iterator[object]:
    if is_too_divided(line, leaves=leaves):
        raise FrameBroken("a line holds more values than allowed")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise FrameBroken("a line is not UTF-8") from None
    at = 0
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError:
            raise FrameBroken("a line is not JSON") from None
        except RecursionError:
            raise FrameBroken("a line is nested too deeply") from None
        except FrameBroken:
            raise
        except ValueError:  # an integer of more digits than Python converts
            raise FrameBroken("a line has an impossible number") from None
        yield _whole(value) if _HALF_PAIR.search(text) else value
        while at < len(text) and text[at] in _BLANK:
            at += 1


def _whole(value: object) -> object:
    """Replace lone surrogates in every string of a tree."""

    def walk(node: object) -> object:
        if isinstance(node, str):
            return storable(node)
        if isinstance(node, list):
            return [walk(item) for item in node]
        if isinstance(node, dict):
            return {storable(key): walk(item) for key, item in node.items()}
        return node

    try:
        return walk(value)
    except RecursionError:
        raise FrameBroken("a line is nested too deeply") from None
