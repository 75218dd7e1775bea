"""What was used and what it cost, held against what servers reported; budgets that hold (I8)."""

from __future__ import annotations

import time
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.evidence import Served, Target
    from tests.campaign.rules.beside import Pair
    from tests.campaign.rules.book import Attempt, Book
    from tests.campaign.rules.lives import Life, Lives
    from tests.campaign.sequence import Budget

FREE = frozenset({"ollama", "command"})
"""Wires behind which a plan pays, where nothing else is written."""

UNTOLD = frozenset({"net", "silent", "cancelled"})
"""Ends before which no server has told all of what was used."""


def accounts(lives: Lives) -> Iterator[Violation]:
    """I8: tokens and cost of each attempt, and every sum of them."""
    for life in lives.all:
        for pair in life.pairs:
            yield from _used(life, pair)
            yield from _cost(lives, life, pair)
        yield from _stored(lives, life)
    yield from _sums(lives.book)
    yield from _set_aside(lives)
    for budget in lives.evidence.budgets:
        if budget.kind == "hard":
            yield from _holds(lives, budget)


def _used(life: Life, pair: Pair) -> Iterator[Violation]:
    row, served = pair.row, pair.served
    if row is None or row.skipped:
        return
    name = f"{life.name}: attempt {row.number} ({row.provider})"
    booked = (row.input_tokens, row.output_tokens)
    if row.outcome != "completed":
        told = served is not None and booked == served.usage  # all but the last word had come
        if row.has_usage and not row.estimated and pair.failed_with in UNTOLD and not told:
            yield Violation(rule="I8", words=f"{name} is not marked as estimated, and no server reported its tokens")
        return
    if served is None or not pair.fits:
        return
    if served.usage is None:
        if not (row.has_usage and row.estimated):
            yield Violation(rule="I8", words=f"{name} is booked as reported {booked}, but nothing was reported")
    elif booked != served.usage or row.estimated:
        mark = " as estimated" if row.estimated else ""
        yield Violation(rule="I8", words=f"{name} is booked{mark} with {booked}, reported were {served.usage}")


def _cost(lives: Lives, life: Life, pair: Pair) -> Iterator[Violation]:
    row = pair.row
    if row is None or row.skipped:
        return
    target = _target_of(life, pair)
    if target is None or not row.has_usage:
        if row.cost_nano_usd:
            words = f"{life.name}: attempt {row.number} used nothing and cost {row.cost_nano_usd}"
            yield Violation(rule="I8", words=words)
        return
    if row.cached_input_tokens or row.cache_write_tokens or row.image_tokens:
        return
    price = (0.0, 0.0) if target.price is None and target.wire in FREE else target.price
    if price is None:
        return
    expected = nano_usd(price, row.input_tokens or 0, row.output_tokens or 0)
    if row.cost_nano_usd != expected:
        words = f"{life.name}: attempt {row.number} ({row.provider}) cost {row.cost_nano_usd}, not {expected} nano-USD"
        yield Violation(rule="I8", words=words)


def nano_usd(price: tuple[float, float], read: int, written: int) -> int:
    """What tokens cost at US dollars for a million of each, in thousand-millionths of a dollar, half a one up."""
    exact = (Decimal(str(price[0])) * read + Decimal(str(price[1])) * written) * 1000
    return int(exact.to_integral_value(ROUND_HALF_UP))


def _target_of(life: Life, pair: Pair) -> Target | None:
    return next((target for target in life.lane if target.provider == pair.provider), None)


def _stored(lives: Lives, life: Life) -> Iterator[Violation]:
    """The answer in its conversation shows the tokens of the attempt that gave it."""
    completed = [row for row in life.history if row.outcome == "completed"]
    for message in lives.book.messages.get(life.id, ()):
        if message.role != "assistant" or not completed or message.input_tokens is None:
            continue
        row = completed[-1]
        if (message.input_tokens, message.output_tokens) != (row.input_tokens, row.output_tokens):
            words = f"{life.name}: its answer shows other tokens than its attempt"
            yield Violation(rule="I8", words=words)


def _sums(book: Book) -> Iterator[Violation]:
    """What is added up when it is booked is the sum of the rows."""
    used = [row for row in book.rows if row.has_usage and not row.skipped]
    for scope in ("day", "month"):
        rows = [each for each in book.spend if each.scope == scope]
        told = (sum(each.tokens for each in rows), sum(each.unknown for each in rows))
        true = (sum(map(_tokens, used)), sum(row.cost_nano_usd is None for row in used))
        if told != true:
            words = f"spend by {scope}: tokens and unknown prices {told}, the attempts say {true}"
            yield Violation(rule="I8", words=words)
        money = sum(each.nano_usd for each in rows)
        known = sum(row.cost_nano_usd or 0 for row in used)
        if money != known and not true[1]:
            yield Violation(rule="I8", words=f"spend by {scope}: {money} nano-USD, the attempts say {known}")
    keys = {each.key for each in book.spend if each.scope == "day"}
    if stray := keys - {row.day for row in used}:
        yield Violation(rule="I8", words=f"spend is booked to {sorted(stray)}, where no attempt is")
    counted = (sum(each.attempts for each in book.counted), sum(each.skipped for each in book.counted))
    rows_ = (sum(not row.skipped for row in book.rows), sum(row.skipped for row in book.rows))
    if counted != rows_:
        yield Violation(rule="I8", words=f"measures count {counted} attempts and skips, there are {rows_}")


def _tokens(row: Attempt) -> int:
    return (row.input_tokens or 0) + (row.output_tokens or 0)


def _set_aside(lives: Lives) -> Iterator[Violation]:
    """What was set aside is settled when its attempt is over; only a killed instance leaves it to the next start."""
    for each in lives.book.reservations:
        life = next((life for life in lives.all if life.id == each.request), None)
        if life is None or not life.killed:
            words = f"{life.name if life else each.request}: {each.nano_usd} nano-USD are still set aside for it"
            yield Violation(rule="I8", words=words)


# --- hard budgets -----------------------------------------------------------------------------------------------------


def _holds(lives: Lives, budget: Budget) -> Iterator[Violation]:
    """Nobody who costs anything is asked when answers that had come before have used up a hard budget."""
    limit = round(budget.limit_usd * 1e9)
    paid = [(served, cost) for served in lives.evidence.served if (cost := _paid(lives, served)) is not None]
    for later, _ in paid:
        life, _ = lives.of[id(later)]
        if budget.lane and life.asked.lane != budget.lane:
            continue
        key = _key(lives, budget, later)
        spent = sum(
            cost
            for earlier, cost in paid
            if lives.follows(later, earlier) and _key(lives, budget, earlier) == key and _counts(lives, budget, earlier)
        )
        if spent >= limit:
            words = f"{life.name}: {later.provider} was asked with {spent} of {limit} nano-USD spent ({budget.scope})"
            yield Violation(rule="I8", words=words)
            return


def _counts(lives: Lives, budget: Budget, served: Served) -> bool:
    return not budget.lane or lives.of[id(served)][0].asked.lane == budget.lane


def _paid(lives: Lives, served: Served) -> int | None:
    """What an answer cost that its client surely got; ``None`` = it cost nothing, or nobody can tell."""
    found = lives.of.get(id(served))
    if found is None:
        return None
    target = next((each for each in found[0].lane if each.provider == served.provider), None)
    if target is None or target.price is None or target.price == (0.0, 0.0):
        return None
    told = served.usage is not None and served.marked and not served.error and lives.delivered(served)
    return nano_usd(target.price, *served.usage) if told and served.usage is not None else 0


def _key(lives: Lives, budget: Budget, served: Served) -> str:
    """Which of its periods an answer counts to."""
    life, _ = lives.of[id(served)]
    match budget.scope:
        case "request":
            return f"{life.asked.number}"
        case "conversation":
            return (life.row.conversation or life.id) if life.row is not None else life.id
        case "day":
            return time.strftime("%Y-%m-%d", time.localtime(served.wall))
        case "month":
            return time.strftime("%Y-%m", time.localtime(served.wall))
