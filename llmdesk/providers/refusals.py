"""What a refusal means: a table of rules from status and text to a class of failure, one table for each wire.

Wordings change every few months, so the status decides wherever it can and the text only where it must.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from llmdesk.core.text import one_line, redact, sanitise
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.core.errors import ProviderError

DETAILS_LIMIT = 2_000
"""How much of what a server said is kept, characters."""

TEXT_LIMIT = 16_000
"""How much of it is looked at, characters: rules run over every one."""

QUOTE_LIMIT = 120
"""How much of it fits into a message, characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: which statuses and which text (a regular expression, any case), and what that means.

    Empty ``statuses`` and ``text`` match everything; ``None`` among the statuses is an error inside a stream. ``cause``
    may use the named groups of ``text`` (``period`` in lower case) and the words given to ``Rules.failure``.
    """

    row: str
    error: type[ProviderError]
    cause: str
    statuses: frozenset[int | None] = frozenset()
    text: str = ""
    retries: int | None = None
    smaller_model: bool = False
    target_specific: bool = False
    too_long: bool = False
    scope: Literal["provider", "model"] = "provider"


def on(*statuses: int | None) -> frozenset[int | None]:
    """The statuses of a rule."""
    return frozenset(statuses)


class Rules:
    """A table; the first match wins, and its last row takes everything else, unknown statuses too (policy R12)."""

    def __init__(self, rows: Sequence[Rule]) -> None:
        self.rows = tuple(rows)
        self._patterns = tuple(re.compile(rule.text, re.IGNORECASE) for rule in rows)

    def failure(
        self,
        provider: str,
        *,
        status: int | None,
        text: str,
        words: Mapping[str, object],
        details: str,
        hint_s: float | None = None,
    ) -> ProviderError:
        """Make the error that a refusal means, with a message fit for a user.

        Args:
            provider: whom the message names.
            status: the HTTP status; ``None`` = an error object inside a reply that began with 200.
            text: what the rules look at, redacted: kind, code and message of the error, joined as the wire's own
                module likes.
            words: what the causes may name, beside ``status`` and the groups of the rule's own text.
            details: what the server said, kept (sanitised and cut) beside the message.
            hint_s: how long it asks to wait, seconds.
        """
        rule, found = next(
            (rule, match)
            for rule, pattern in zip(self.rows, self._patterns, strict=True)
            if (not rule.statuses or status in rule.statuses) and (match := pattern.search(text)) is not None
        )
        named = {
            name: (value or "").lower() if name == "period" else value or ""
            for name, value in found.groupdict().items()
        }
        cause = rule.cause.format(**{"status": status, **words, **named})
        return rule.error(
            one_line(redact(f"{provider}: {cause}")),
            http_status=status,
            hint_s=hint_s,
            details=sanitise(redact(details))[:DETAILS_LIMIT],
            retries=rule.retries,
            smaller_model=rule.smaller_model,
            target_specific=rule.target_specific,
            too_long=rule.too_long,
            scope=rule.scope,
        )


def quoted(text: str) -> str:
    """A server's text as a message quotes it: one short line."""
    return one_line(redact(text), QUOTE_LIMIT)


def usual_words(model: str, quote: str) -> dict[str, str]:
    """What the causes of every table may name: ``model``, ``said`` and ``quoted`` (in brackets, or nothing).

    Args:
        model: what was asked; empty = no model was.
        quote: what the server said, as ``quoted`` tells it; empty = nothing.
    """
    return {
        "model": model or "the model",
        "said": quote or "no reason given",
        "quoted": f" ({quote.rstrip('.')})" if quote else "",
    }


def brief(value: object, limit: int) -> str:
    """What a server put somewhere, as one line; secrets go before anything is cut, so that no part of one is left."""
    return one_line(redact(str(value)[:TEXT_LIMIT]), limit)


def is_page(text: str) -> bool:
    """Whether a body is a web page."""
    return text[:200].lstrip().lower().startswith(("<!doctype", "<html", "<head", "<?xml"))
