"""How much memory a JSON text would take, told before it is decoded (policy I16)."""

from __future__ import annotations

import re

NODES = 100_000
"""Objects, lists and keys that a text may hold: 8 MiB of ``[],`` decode to 25 times their size."""

LEAVES = 200_000
"""Values that a text may hold."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def is_too_divided(text: bytes, *, leaves: int = LEAVES, nodes: int = NODES) -> bool:
    """Whether decoding ``text`` would make more values than allowed; takes a few milliseconds a megabyte.

    Args:
        text: JSON, or what claims to be.
        leaves: how many values it may hold.
        nodes: how many objects, lists and keys.
    """
    if len(text) <= nodes:
        return False
    if text.count(b'"') - text.count(b'\\"') > 2 * (nodes + leaves):
        return True
    # Long prose has as many commas; only then is it worth telling them from those between values.
    return _is_beyond(text, leaves, nodes) and _is_beyond(_STRING.sub(b"", text), leaves, nodes)


def _is_beyond(text: bytes, leaves: int, nodes: int) -> bool:
    return sum(map(text.count, (b"[", b"{", b":"))) > nodes or text.count(b",") > leaves
