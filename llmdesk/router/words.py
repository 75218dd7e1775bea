"""The one-line messages only the router can word: tries, characters, clock times, what comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from llmdesk.core.errors import ErrorKind
from llmdesk.core.text import one_line
from llmdesk.core.types import Message, Role

if TYPE_CHECKING:
    from llmdesk.core.budget import Grant, Refusal
    from llmdesk.core.errors import ProviderError
    from llmdesk.core.types import ModelRef
    from llmdesk.router.route import Place

RETIREMENT_HINT_TRIES = 3
"""After this many 500s in a row the model itself is suspected (policy C5)."""

SOON_S = 120
"""Nearer times are told to the second."""


def hour(at: float, now: float) -> str:
    """Local clock time of UTC epoch seconds, ``14:32``; with the date where that is another day's, ``1 Dec 00:00``.

    A time that comes within two minutes has its seconds: without them it would seem to be there already.
    """
    there, here = time.localtime(at), time.localtime(now)
    clock = f"{there.tm_hour:02}:{there.tm_min:02}"
    if at - now < SOON_S:
        clock += f":{there.tm_sec:02}"
    return (
        clock
        if there.tm_yday == here.tm_yday and there.tm_year == here.tm_year
        else f"{there.tm_mday} {time.strftime('%b', there)} {clock}"
    )


def with_next_try(message: str, until: float, now: float) -> str:
    """Add (or renew) the clock time at which a provider is asked again; UTC epoch seconds."""
    base = message.partition(", next try ")[0].rstrip(".")
    return one_line(f"{base}, next try {hour(until, now)}.")


def worded(error: ProviderError, *, provider: str, tries: int, characters: int, final: bool, hosted: bool) -> str:
    """The adapter's line for a failed attempt, with what only the router knows.

    Args:
        error: what the adapter raised.
        provider: its name.
        tries: how often this target has been asked.
        characters: how much of an answer had come.
        final: this target is not asked again.
        hosted: the models are somebody else's, who may retire them.
    """
    message = error.message
    match error.kind:
        case ErrorKind.SERVER | ErrorKind.NET if final and tries > 1:
            message = f"{message.rstrip('.')} after {tries} tries."
            if hosted and error.http_status == 500 and tries >= RETIREMENT_HINT_TRIES:
                message += " The model may be retired: see docs.ollama.com/cloud."
        case ErrorKind.TRUNCATED:
            if characters:
                message = f"{provider}: answer cut off after {characters:,} characters.".replace(",", " ")
            if not final:
                message = f"{message.rstrip('.')}; trying again."
        case _:
            pass
    return one_line(message)


def repair_messages(answer: str, violations: str) -> tuple[Message, ...]:
    """Show the model its own answer and what is wrong with it."""
    return (
        Message(role=Role.ASSISTANT, content=answer),
        Message(
            role=Role.USER,
            content=f"That does not match the required JSON schema:\n{violations}\nAnswer again with the JSON only.",
        ),
    )


def busy(place: Place, *, until: float | None, now: float) -> str:
    """Say which own limit is in the way of a target, and until when; ``None`` = nobody knows."""
    provider, limit = place.ref.provider, place.rules.rate_limit
    if until is None or limit is None:
        count = limit.parallel if limit else None
        return f"{provider}: busy with {count or 'other'} requests, as many as its rate_limit allows at once."
    rate = f"{limit.requests_per_minute:g} requests a minute"
    return one_line(f"{provider}: its rate_limit of {rate} is used up, next try {hour(until, now)}.")


def over_budget(refusal: Refusal, target: ModelRef, *, now: float) -> str:
    """Say which budget forbids an attempt, and when it begins anew.

    Args:
        refusal: what the budgets said.
        target: who would have been asked.
        now: UTC epoch seconds.
    """
    standing = refusal.standing
    budget = standing.budget
    name = f"{budget.name[0].upper()}{budget.name[1:]}"
    limit = budget.amount(budget.limit)
    resets = f"; resets at {hour(refusal.resets_at, now)}" if refusal.resets_at is not None else ""
    match refusal.cause:
        case "reached":
            return one_line(f"{name} {limit} reached{resets}.")
        case "too little left":
            left = budget.amount(max(0, standing.left))
            return one_line(f"{name} {limit}: {left} left, {target} may use {budget.amount(refusal.needed)}{resets}.")
        case "unknown price":
            told = f"{target}: its price is unknown, which the hard {budget.name} refuses"
            return one_line(f"{told}. Write models: {{{target}: {{price: 0}}}} or what it costs.")


def lowered(grant: Grant) -> str:
    """Say that a budget left less room for an answer than was asked for."""
    assert grant.lowered_by is not None
    room = f"{grant.output_tokens:,}".replace(",", " ")
    return f"The {grant.lowered_by.name} leaves room for {room} tokens of answer; longer ones are cut."


def several_answers(target: ModelRef, field: str, count: int) -> str:
    """Say why nobody is asked for several answers out of a hard budget."""
    return one_line(
        f"{target}: {field}={count} asks for {count} answers, each is billed and one is read: no hard budget pays "
        f"for that. Set {field} to 1."
    )


def nobody_free(blocked: str, provider: str, back: str) -> str:
    """Say that a budget has run out, and when somebody can be asked who costs nothing."""
    return f"{blocked.rstrip('.')}. What is free is resting; {provider} comes back first, at {back}."
