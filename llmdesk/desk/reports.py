"""What was used and what it cost over days and months, from what is measured, and what free answers have saved."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from llmdesk.core.errors import UsageError
from llmdesk.core.measures import Measures, Selection
from llmdesk.core.types import Usage
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmdesk.core.measures import Grouping
    from llmdesk.core.periods import Calendar
    from llmdesk.core.prices import Price
    from llmdesk.desk.parts import Parts

Period = Literal["day", "week", "month", "all"]
"""Today, today and the six days before, this calendar month, or everything; days and months are the user's own."""

StatsBy = Literal["lane", "agent", "job", "provider", "model", "day", "month"]

WEEK_DAYS = 7

NAMES_LISTED = 30
"""A message names so many at most."""

_GROUPINGS: dict[StatsBy, tuple[Grouping, ...]] = {
    "lane": ("lane",),
    "agent": ("agent",),
    "job": ("job",),
    "provider": ("provider",),
    "model": ("provider", "model"),
    "day": ("day",),
    "month": ("day",),
}

_COUNTS = (
    "attempts", "completed", "failed", "refused", "cancelled", "skipped", "input_tokens", "output_tokens",
    "cached_input_tokens", "reasoning_tokens", "estimated", "cost_nano_usd", "unknown_price", "failovers",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsRow:
    """What was used in one group; ``sums`` has no distributions.

    ``saved_nano_usd`` is what the answers that cost nothing would have cost at their lane's first metered target, at
    the prices of now; ``None`` = nobody can tell of any of them.
    """

    group: Mapping[str, str | None]
    sums: Measures
    saved_nano_usd: int | None = None

    @property
    def cost_nano_usd(self) -> int | None:
        """The known cost; ``None`` = attempts were paid for, and nobody knows the price of any."""
        sums = self.sums
        return None if sums.unknown_price and not sums.cost_nano_usd else sums.cost_nano_usd

    @property
    def failover_share(self) -> float | None:
        """The share of attempts and skips that another target followed, 0 to 1; ``None`` = there were none."""
        turns = self.sums.attempts + self.sums.skipped
        return self.sums.failovers / turns if turns else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """A report: its rows, their total, and its local days.

    ``first_day`` ``None`` = the beginning. ``uncompared`` names the lanes with free answers of which nobody can tell
    what they would have cost, with the reason.
    """

    rows: tuple[StatsRow, ...]
    total: StatsRow
    first_day: str | None
    last_day: str
    uncompared: Mapping[str, str]


async def stats(parts: Parts, period: Period = "month", by: StatsBy = "model") -> Stats:
    """Add up what was used.

    Raises:
        StorageError: the database cannot be read.
    """
    now = parts.clock()
    since = _begin(parts.calendar, period, now)
    measured = await parts.measures.read(Selection(since=since), _GROUPINGS[by])
    lanes = dict.fromkeys(lane for each in measured for lane, tokens in each.free_tokens.items() if any(tokens))
    compared = {lane: await _first_metered(parts, lane) for lane in lanes}
    groups: dict[tuple[tuple[str, str | None], ...], list[Measures]] = {}
    for each in measured:
        groups.setdefault(_group(each, by), []).append(each)
    rows = [_row(dict(group), found, compared) for group, found in groups.items()]
    rows = [row for row in rows if row.sums.attempts or row.sums.skipped]
    if by not in ("day", "month"):
        rows.sort(key=lambda row: (-row.sums.cost_nano_usd, -row.sums.attempts))
    return Stats(
        rows=tuple(rows),
        total=_row({}, measured, compared),
        first_day=None if since is None else parts.calendar.day(since),
        last_day=parts.calendar.day(now),
        uncompared={lane: found for lane, found in compared.items() if isinstance(found, str)},
    )


def _begin(calendar: Calendar, period: Period, now: float) -> float | None:
    """The first instant of a period that ends now, UTC epoch seconds."""
    match period:
        case "day" | "month":
            return calendar.begins_at(period, now)
        case "week":
            begin = calendar.begins_at("day", now)
            for _ in range(WEEK_DAYS - 1):
                begin = calendar.begins_at("day", begin - 1)
            return begin
        case "all":
            return None


def _group(measured: Measures, by: StatsBy) -> tuple[tuple[str, str | None], ...]:
    if by == "month":
        return (("month", (measured.group["day"] or "")[:7]),)
    return tuple(measured.group.items())


def _row(
    group: Mapping[str, str | None], measured: Sequence[Measures], compared: Mapping[str, Price | str]
) -> StatsRow:
    sums = together(measured)
    saved = [
        cost
        for lane, (read, written) in sums.free_tokens.items()
        if not isinstance(price := compared.get(lane, ""), str)
        and (cost := price.cost_nano_usd(Usage(input_tokens=read, output_tokens=written))) is not None
    ]
    return StatsRow(group=group, sums=sums, saved_nano_usd=sum(saved) if saved or not sums.free_tokens else None)


def together(measured: Iterable[Measures]) -> Measures:
    """The sums of several groups as those of one; distributions cannot be added up and are left out."""
    each = list(measured)
    free: dict[str, tuple[int, int]] = {}
    for one in each:
        for lane, (read, written) in one.free_tokens.items():
            before = free.get(lane, (0, 0))
            free[lane] = (before[0] + read, before[1] + written)
    errors: dict[str, int] = {}
    for one in each:
        for kind, count in one.errors.items():
            errors[kind] = errors.get(kind, 0) + count
    return Measures(
        group={},
        errors=errors,
        free_tokens=free,
        lost_s=sum(one.lost_s for one in each),
        cooldown_s=sum(one.cooldown_s for one in each),
        **{name: sum(getattr(one, name) for one in each) for name in _COUNTS},
    )


async def _first_metered(parts: Parts, lane: str) -> Price | str:
    """What a lane's first target that is paid for costs, without fees a request, or why nobody can tell."""
    found = parts.lanes.get(lane)
    if found is None:
        return "the lane is not configured any more"
    for ref in found.targets:
        price = parts.prices.price(ref)
        if price is None:  # only then is it worth to open the catalogue
            await parts.prices.ready(ref)
            price = parts.prices.price(ref)
        if price is None:
            return f"the price of {ref} is not known"
        if not price.free:
            return replace(price, per_request_usd=Decimal(0))
    return "none of its targets costs anything"


# --- names ----------------------------------------------------------------------------------------------------------


async def check_names(parts: Parts, selection: Selection) -> None:
    """Refuse a selection by a name that is neither configured nor measured; ``job`` is any name.

    Raises:
        UsageError: it says which names there are.
        StorageError: the database cannot be read.
    """
    configured: dict[Grouping, Iterable[str]] = {
        "provider": parts.providers,
        "lane": parts.lanes,
        "agent": parts.agents,
        "model": (ref.model for lane in parts.lanes.values() for ref in lane.targets),
    }
    for what, names in configured.items():
        wanted, known = getattr(selection, what), dict.fromkeys(names)
        if wanted is None or wanted in known:
            continue
        known.update(dict.fromkeys(await _measured_names(parts, what)))
        if wanted not in known:
            listed = ", ".join(list(known)[:NAMES_LISTED]) + (" …" if len(known) > NAMES_LISTED else "")
            raise UsageError(f"There is no {what} '{wanted}'. Known: {listed or 'none'}.")


async def _measured_names(parts: Parts, what: Grouping) -> list[str]:
    measured = await parts.measures.read(Selection(), (what,))
    return [name for each in measured if (name := each.group[what]) is not None]
