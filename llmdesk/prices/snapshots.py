"""When the name under which a provider says it answered means the model that was asked."""

from __future__ import annotations

import re

_LATEST = ("-latest", ":latest")
_STAMP = re.compile(r"[-@:](?:\d{3,8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{2}-\d{2})(?:-v\d+(?::\d+)?)?|[-:]latest")
"""``-20250929``, ``-2024-08-06``, ``-001``, ``-2411``, ``-08-2024``, ``-05-20``, ``@20250929``. One or two digits alone
are a version (``claude-sonnet-4-5``), letters a size or a variant (``gpt-4o-mini``): other models at other prices."""


def is_snapshot(served: str, asked: str) -> bool:
    """Whether ``served`` is the asked model itself, or a dated or numbered edition of it."""
    one, other = _plain(served), _plain(asked)
    if one == other:
        return True
    for latest in _LATEST:
        other = other.removesuffix(latest)
    return one == other or (one.startswith(other) and _STAMP.fullmatch(one, len(other)) is not None)


def _plain(name: str) -> str:
    return name.strip().lower().removeprefix("models/")
