"""What a request wishes and a wire has no words for: told with the answer, never dropped in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmdesk.core.types import Params

WISHES = ("temperature", "top_p", "top_k", "seed", "stop", "max_output_tokens", "reasoning")
"""The parameters that change an answer; a window and a time to stay in memory are nobody's loss."""


def left_out(who: str, params: Params, taken: Collection[str]) -> tuple[str, ...]:
    """Say which of the wishes in ``params`` are not among those the wire has ``taken``.

    Reasoning that is to be off is no wish: what cannot reason has it off.
    """
    missing = [name for name in WISHES if getattr(params, name) is not None and name not in taken]
    if params.reasoning == "off" and "reasoning" in missing:
        missing.remove("reasoning")
    return (one_line(f"{who} takes no {', no '.join(missing)}: left out."),) if missing else ()
