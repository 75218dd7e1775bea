"""What a budget forbids: limits, who counts to them, and how much of an answer is still allowed. Rules only.

Amounts are whole nano-dollars where ``unit`` is ``usd`` and tokens where it is ``tokens``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from llmdesk.core.money import shown_usd
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.prices import Price
    from llmdesk.core.types import ModelRef

Scope = Literal["request", "conversation", "job", "day", "month"]
Unit = Literal["usd", "tokens"]
Cause = Literal["reached", "too little left", "unknown price"]

INPUT_FACTOR = 1.5
TOKENS_A_MESSAGE = 8
"""The most that a prompt can be: so many times its estimate, and so many tokens for each message (policy R19)."""

DEFAULT_OUTPUT_TOKENS = 8_192
"""The limit of an answer under a hard budget where nobody set one, tokens."""

LEAST_OUTPUT_TOKENS = 256
"""A limit is not lowered below this: such an answer would be cut for certain."""

EARLY_SHARE = 0.05
"""Before this share of a period has passed its pace tells nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit. ``lane``, ``provider`` and ``agent`` narrow what counts to it, ``None`` = all.

    ``hard`` blocks, otherwise it only warns; ``warn_at`` is the share of ``limit`` at which a warning appears, 0 to 1.
    ``free_when_exhausted``: free targets are asked when nothing is left.
    """

    scope: Scope
    limit: int
    unit: Unit
    hard: bool = True
    warn_at: float = 0.8
    free_when_exhausted: bool = False
    lane: str | None = None
    provider: str | None = None
    agent: str | None = None

    @property
    def name(self) -> str:
        """What people call it: ``day budget``, ``month budget of agent backend-dev``."""
        narrow = [f"{what} {name}" for what in ("lane", "provider", "agent") if (name := getattr(self, what))]
        return f"{self.scope} budget" + (f" of {', '.join(narrow)}" if narrow else "")

    def amount(self, value: int) -> str:
        """An amount for people: ``2.00 USD``, ``32 000 tokens``."""
        return f"{shown_usd(value)} USD" if self.unit == "usd" else f"{value:,} tokens".replace(",", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """To whom an attempt is booked. ``request`` is the request's id; ``None`` = there is none of that."""

    request: str
    lane: str
    agent: str | None = None
    job: str | None = None
    conversation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One attempt that wants to be paid for.

    ``input_tokens`` is an upper bound; ``output_tokens`` the limit it would carry, ``None`` = nobody set one.
    ``answers`` is false where no text comes back (embeddings). ``price`` ``None`` = unknown. ``prompt_tokens`` is the
    estimate behind the bound: what counts if nobody lives to tell.
    """

    account: Account
    target: ModelRef
    number: int
    input_tokens: int
    output_tokens: int | None = None
    answers: bool = True
    price: Price | None = None
    prompt_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a budget stands in one period. ``period`` names it: a date, a month, a job, a conversation, a request.

    ``unknown`` counts the attempts in it whose price nobody knows.
    """

    budget: Budget
    period: str = ""
    spent: int = 0
    reserved: int = 0
    unknown: int = 0

    @property
    def left(self) -> int:
        """What may still be spent; below zero = overspent."""
        return self.budget.limit - self.spent - self.reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The attempt may be made, with this limit on its answer (``None`` = none is needed), and so much is set aside.

    ``lowered_by`` is the budget that made the limit smaller than was asked for.
    """

    output_tokens: int | None = None
    tokens: int = 0
    nano_usd: int = 0
    lowered_by: Budget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The attempt must not be made. ``needed`` is the least it would have to set aside, in the budget's unit.

    ``resets_at`` is when the budget begins anew, UTC epoch seconds; ``None`` = it does not.
    """

    standing: Standing
    cause: Cause
    needed: int = 0
    resets_at: float | None = None


def input_bound(estimate_tokens: int, messages: int) -> int:
    """An upper bound of the tokens of a prompt, from its estimate and the number of its messages."""
    return math.ceil(INPUT_FACTOR * estimate_tokens) + TOKENS_A_MESSAGE * messages


def covers(budget: Budget, account: Account, provider: str) -> bool:
    """Whether an attempt at ``provider`` counts to ``budget``."""
    if budget.scope == "job" and account.job is None:
        return False
    if budget.scope == "conversation" and account.conversation is None:
        return False
    wanted = ((budget.lane, account.lane), (budget.provider, provider), (budget.agent, account.agent))
    return all(limit is None or limit == mine for limit, mine in wanted)


def binds(budget: Budget, price: Price | None) -> bool:
    """Whether an attempt at ``price`` can use anything up: what is free costs no money, but its tokens count."""
    return budget.unit == "tokens" or price is None or not price.free


def decide(claim: Claim, standings: Sequence[Standing]) -> Grant | Refusal:
    """Say whether an attempt may be made, and with which limit on its answer.

    Args:
        claim: the attempt.
        standings: every budget that covers it, as it stands now.
    """
    hard = [each for each in standings if each.budget.hard and binds(each.budget, claim.price)]
    if not hard:
        return Grant(output_tokens=claim.output_tokens)
    wanted = _wanted(claim)
    least, output, lowered_by = min(wanted, LEAST_OUTPUT_TOKENS), wanted, None
    for standing in hard:
        room = _room(claim, standing)
        if room is None:
            return Refusal(standing=standing, cause="unknown price")
        if room < least:
            cause: Cause = "reached" if standing.left <= 0 else "too little left"
            return Refusal(standing=standing, cause=cause, needed=_worth(claim, standing.budget, least))
        if room < output:
            output, lowered_by = int(room), standing.budget
    return Grant(
        output_tokens=output if claim.answers else None,
        tokens=claim.input_tokens + output,
        nano_usd=claim.price.bound_nano_usd(claim.input_tokens, output) if claim.price else 0,
        lowered_by=lowered_by,
    )


def _wanted(claim: Claim) -> int:
    """The output tokens that are asked for; a limit below one is none to a server (Ollama reads -1 as endless)."""
    if not claim.answers:
        return 0
    limit = claim.output_tokens
    return limit if limit is not None and limit > 0 else DEFAULT_OUTPUT_TOKENS


def _room(claim: Claim, standing: Standing) -> float | None:
    """How many output tokens a budget leaves, below zero = not even the prompt; ``None`` = nobody knows the price."""
    if standing.budget.unit == "tokens":
        return standing.left - claim.input_tokens
    if claim.price is None:
        return None
    room = claim.price.output_within(standing.left, claim.input_tokens)
    return math.inf if room is None else room


def _worth(claim: Claim, budget: Budget, output_tokens: int) -> int:
    if budget.unit == "tokens":
        return claim.input_tokens + output_tokens
    return claim.price.bound_nano_usd(claim.input_tokens, output_tokens) if claim.price else 0


def warning(standing: Standing) -> str:
    """What a user should hear of a budget after an attempt was booked; empty = nothing yet."""
    budget, spent = standing.budget, standing.spent
    if spent < budget.limit * budget.warn_at or not spent:
        return ""
    name = f"{budget.name[0].upper()}{budget.name[1:]}"
    limit = budget.amount(budget.limit)
    if spent >= budget.limit:
        return f"{name}: {budget.amount(spent)} spent, the limit is {limit}."
    return f"{name}: {budget.amount(spent)} of {limit} spent ({100 * spent // budget.limit} %)."


def forecast(spent: int, begins_at: float, ends_at: float, now: float) -> int | None:
    """What will be spent at the end of a period at the pace so far; ``None`` = too early to say, or nothing to go by.

    Args:
        spent: so far.
        begins_at: UTC epoch seconds, as the other two.
        ends_at: the end of the period.
        now: a moment in it.
    """
    share = (now - begins_at) / (ends_at - begins_at)
    if not spent or share < EARLY_SHARE:
        return None
    return max(spent, round(spent / share))
