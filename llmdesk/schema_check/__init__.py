"""Check an answer against a JSON Schema, in a process of its own that is killed when it takes too long.

A pattern such as ``^(a+)+$`` or a bomb of ``$ref`` runs for hours inside the validator and cannot be interrupted from
within, so the validator runs where it can be killed. Nothing is ever fetched: a reference that leaves the schema is a
fault (docs/policy.md, H1 to H5).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmdesk.core.json_cost import is_too_divided
from llmdesk.core.values import dataclass
from llmdesk.schema_check.strict_json import decode, not_json
from llmdesk.schema_check.validation import MAX_VIOLATIONS, check_schema, plain
from llmdesk.schema_check.worker import CHECK_LIMIT_S, ask_worker

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONG = 64 * 1024
"""Characters that take longer to decode than a frame of the screen lasts."""

__all__ = ["CHECK_LIMIT_S", "MAX_VIOLATIONS", "Checked", "check_answer", "check_schema"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found. ``data`` is the decoded answer, ``None`` unless ``violations`` is empty.

    Each violation is one sanitised line such as ``$.files[0].path is missing``; at most ``MAX_VIOLATIONS``.
    """

    data: object | None = None
    violations: tuple[str, ...] = ()


async def check_answer(text: str, schema: Mapping[str, object]) -> Checked:
    """Decode an answer strictly and compare it with ``schema``.

    A Markdown fence around the whole answer is taken off; apart from that nothing is repaired or invented. Leaving by
    cancellation kills the checking process too.

    Args:
        text: the answer of the model, whole.
        schema: a schema that ``check_schema`` found no fault in.
    """
    import asyncio

    if is_too_divided(text.encode("utf-8", "replace")):
        return Checked(violations=("the answer holds more values than can be checked",))
    try:
        payload = json.dumps({"text": text, "schema": plain(schema)}).encode()
    except (RecursionError, TypeError, ValueError):
        return Checked(violations=("the schema is not one that can be checked",))
    found = await ask_worker(payload)
    if found:
        return Checked(violations=found)
    try:
        return Checked(data=await asyncio.to_thread(decode, text) if len(text) > _LONG else decode(text))
    except (ValueError, RecursionError) as error:
        return Checked(violations=(not_json(error),))
