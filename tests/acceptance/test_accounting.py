"""A thousand mixed requests, and the servers' own log is the truth: to the token and to the nano-dollar (policy I8).

Four wires that charge, one that is free and one whose price nobody knows; retries, cuts, refusals, repairs, failovers,
rests, caches, reasoning, models that answer under another name. What a server told is booked as it was told; what it
did not tell is estimated, marked, and compared apart.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.lanes import CHARS_PER_TOKEN
from llmdesk.core.types import Status, TextDelta
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.accounting_world import Rates, buyer, drawn_bill, shop, table
from tests.support.metered import ANSWERED, TILLS, Fate, Speech, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmdesk.core.types import Outcome
    from llmdesk.desk import Run
    from tests.support.accounting_world import Asked, Sale, Shop
    from tests.support.exec_world import ExecWorld
    from tests.support.metered import Bill

SEED = 4
IN_ONE_DESK = 994
AS_PROCESSES = 6
AT_ONCE = 24

KINDS = {
    "tin": "ollama",
    "gold": "openai",
    "silver": "anthropic",
    "copper": "google",
    "tap": "ollama",
    "fog": "openai",
}
PRICES = {
    "tin/one:4b": Rates(plain="0.0333333", output="0.1000001"),
    "tin/two:4b": Rates(plain="0.07", output="0.3"),
    "gold/one": Rates(plain="1.2345678", output="9.8765432", cached="0.1234567"),
    "gold/one-2026": Rates(plain="1.7654321", output="11.0000003", cached="0.0300007"),
    "gold/two": Rates(plain="0.25", output="2.00"),
    "silver/one": Rates(plain="3.0000009", output="15.123", cached="0.3000123", written="3.7500451"),
    "silver/one-2026": Rates(plain="0.9999999", output="4.9999999", written="1.2500001"),
    "silver/two": Rates(plain="0.8", output="4", cached="0.08", request="0.000000123"),
    "copper/one": Rates(plain="0.3141592", output="2.7182818", cached="0.0314159"),
    "copper/one-2026": Rates(plain="0.1000003", output="0.4000007"),
    "copper/two": Rates(plain="0.5000001", output="1.4142135", request="0.035"),
}
FREE = Rates(plain="0", output="0")
LANES = {
    "alpha": ("tin/one:4b", "gold/one", "silver/one", "copper/one", "tap/free:4b"),
    "beta": ("gold/two", "copper/two", "tin/two:4b", "silver/two"),
    "gamma": ("silver/one", "tin/one:4b", "gold/two", "copper/one"),
    "delta": ("copper/one", "gold/one"),
    "shaped": ("gold/one", "silver/one"),
    "strict": ("copper/one", "tin/one:4b"),
    "fog": ("fog/one",),
    "tap": ("tap/free:4b",),
}
DRAWN_LANES = (*("alpha", "beta", "gamma", "delta") * 4, "shaped", "strict", "fog", "tap")
WITH_SCHEMA = frozenset({"shaped", "strict"})
SCHEMA = {"type": "object", "required": ["words"], "properties": {"words": {"type": "string"}}}
HOLDS = 12
"""So many requests in the desk are held in the middle of an answer until their asker stops them."""

WEIGHTS = {
    Fate.WHOLE: 50, Fate.LENGTH: 5, Fate.UNBILLED: 6, Fate.HALF: 4, Fate.REFUSED: 4, Fate.CUT: 8, Fate.BROKEN: 6,
    Fate.BUSY: 10, Fate.LIMIT: 3, Fate.HANG_UP: 4,
}  # fmt: skip


def lane_of(order: int) -> str:
    return random.Random(f"{SEED}/lane/{order}").choice(DRAWN_LANES)


def is_held(order: int) -> bool:
    return order < HOLDS


def draw(asked: Asked) -> tuple[Fate, Bill, Speech]:
    """What becomes of a request, from nothing but who it is."""
    dice = random.Random(f"{SEED}/{asked.provider}/{asked.order}/{asked.before}")
    fates = [fate for fate in WEIGHTS if fate in TILL_OF[asked.provider].fates]
    (fate,) = dice.choices(fates, [WEIGHTS[each] for each in fates])
    if is_held(asked.order):
        fate = Fate.HELD
    words = "word " * dice.randint(4, 60)
    if lane_of(asked.order) in WITH_SCHEMA:
        words = json.dumps({"words": words}) if dice.random() < 0.5 else words
    served = asked.model
    if served == "one" and dice.random() < 0.4:
        served = "one-2026"
    elif served == "two" and dice.random() < 0.4:
        served = "two-next"
    thought = "hm " * dice.randint(2, 40) if dice.random() < 0.3 else ""
    return fate, drawn_bill(dice), Speech(text=words, model=served, thought=thought)


TILL_OF = {name: next(till for till in TILLS if till.kind == kind) for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What an asker was told of the end, however it asked."""

    order: int
    id: str
    status: str
    cost_usd: str | None
    usage: tuple[int | None, int | None, bool] | None
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Everything there is to compare once all requests have ended."""

    shop: Shop
    world: ExecWorld
    told: list[Heard]
    calls: list[dict[str, Any]]
    orders: dict[str, int]

    def pairs(self) -> Iterator[tuple[dict[str, Any], Sale]]:
        """Each booked call with the sale it was."""
        sold: dict[int, list[Sale]] = defaultdict(list)
        for sale in self.shop.sales:
            sold[sale.order].append(sale)
        met: Counter[int] = Counter()
        for call in self.calls:
            order = self.orders[call["request"]]
            yield call, sold[order][met[order]]
            met[order] += 1


def of_outcome(order: int, outcome: Outcome) -> Heard:
    used = outcome.usage
    return Heard(
        order=order,
        id=outcome.request_id,
        status=outcome.status.value,
        cost_usd=outcome.cost_usd,
        usage=(used.input_tokens, used.output_tokens, used.estimated) if used else None,
        calls=sum(attempt.outcome.value != "skipped" for attempt in outcome.attempts),
    )


def of_answer(order: int, answer: dict[str, Any]) -> Heard:
    used = answer["usage"]
    return Heard(
        order=order,
        id=answer["id"],
        status=answer["status"],
        cost_usd=answer["cost_usd"],
        usage=(used["input_tokens"], used["output_tokens"], used["estimated"]) if used else None,
        calls=sum(attempt["outcome"] != "skipped" for attempt in answer["attempts"]),
    )


def prompt_of(order: int) -> str:
    dice = random.Random(f"{SEED}/prompt/{order}")
    return f"order {order}: " + "please " * dice.randint(1, 80)


async def buy_in_one_desk(world: ExecWorld, opened: Shop) -> list[Heard]:
    turns = asyncio.Semaphore(AT_ONCE)
    async with make_desk(env=world.environment) as desk:

        async def buy(order: int) -> Heard:
            ask = Ask(
                prompt=prompt_of(order),
                lane=lane_of(order),
                agent="builder" if order % 3 == 0 else None,
                job=f"job-{order % 5}" if order % 2 else None,
            )
            async with turns:
                run = desk.send(ask)
                if is_held(order):
                    await stop_when_all_came(run, opened, order)
                return of_outcome(order, await run.outcome())

        return await asyncio.gather(*(buy(order) for order in range(IN_ONE_DESK)))


async def stop_when_all_came(run: Run, opened: Shop, order: int) -> None:
    """Stop a request whose server says nothing more, once everything that it said has arrived."""
    text = ""
    async for event in run:
        if isinstance(event, TextDelta):
            text += event.text
            if text == opened.of(order)[-1].said:
                run.cancel(keep=order % 2 == 0)


def buy_as_process(world: ExecWorld, order: int) -> Heard:
    ran = world.run(
        "exec", "--json", "--lane", lane_of(order), "--agent", "builder", "--job", "job-0", prompt_of(order)
    )
    return of_answer(order, ran.answer)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    schema = tmp_path_factory.mktemp("schemas") / "words.json"
    schema.write_text(json.dumps(SCHEMA))
    with shop(KINDS, draw) as opened:
        world = buyer(
            tmp_path_factory.mktemp("home"),
            opened,
            lanes=LANES,
            prices={**PRICES, "tap/free:4b": "{price: 0}"},
            budgets=(
                "{scope: day, limit_tokens: 1000000000, kind: hard}",
                "{scope: month, limit_usd: 1000000, kind: soft}",
            ),
            more_of_lanes=dict.fromkeys(WITH_SCHEMA, f", schema: {json.dumps(str(schema))}, schema_repairs: 1"),
            more="agents: {builder: {lane: alpha}}",
        )
        told = asyncio.run(buy_in_one_desk(world, opened))
        with ThreadPoolExecutor(2) as pool:
            orders = range(IN_ONE_DESK, IN_ONE_DESK + AS_PROCESSES)
            told += pool.map(lambda order: buy_as_process(world, order), orders)
    calls = table(world, "SELECT * FROM attempts WHERE outcome <> 'skipped' ORDER BY request, number")
    return Books(shop=opened, world=world, told=told, calls=calls, orders={each.id: each.order for each in told})


def true_usage(sale: Sale) -> dict[str, int | None]:
    """The tokens of a sale: as its server told them; what it did not tell, by the rule of our estimates (policy B5)."""
    told = Told() if sale.fate is Fate.HELD else sale.told  # what was told to somebody who left is not looked at
    beside = len(json.dumps(SCHEMA)) / CHARS_PER_TOKEN if lane_of(sale.order) in WITH_SCHEMA else 0
    read, output = told.read, told.output
    if read is None:
        read = sale.guess_read + round(beside)
    if output is None or (not sale.whole and sale.fate not in ANSWERED):
        output = max(output or 0, sale.guess_output)  # no less than was said, however little was told by then
    return {
        "input_tokens": read,
        "output_tokens": output,
        "cached_input_tokens": told.cached,
        "cache_write_tokens": told.written,
        "reasoning_tokens": told.thought,
    }


def true_cost(sale: Sale) -> int | None:
    """What a sale costs at the model that served it, nano-dollars; ``None`` = nobody knows."""
    if not sale.used or sale.provider == "tap":
        return 0
    if sale.provider == "fog":
        return None
    usage = true_usage(sale)
    served = sale.model if sale.fate is Fate.HELD else sale.served
    price = PRICES.get(f"{sale.provider}/{served}") or PRICES[f"{sale.provider}/{sale.model}"]
    return price.nano_usd(
        read=usage["input_tokens"] or 0,
        output=usage["output_tokens"] or 0,
        cached=usage["cached_input_tokens"] or 0,
        written=usage["cache_write_tokens"] or 0,
    )


def differences(books: Books, sales: Callable[[Sale], bool]) -> tuple[int, list[object]]:
    """How many calls were compared with their sales, and in what they differ."""
    compared = 0
    found: list[object] = []
    for call, sale in books.pairs():
        if not sales(sale):
            continue
        compared += 1
        true = {
            "provider": sale.provider,
            "model": sale.model,
            "has_usage": int(sale.used),
            "estimated": int(sale.used and not sale.whole),
            **(true_usage(sale) if sale.used else {}),
            "cost_nano_usd": true_cost(sale),
        }
        wrong = {name: (call[name], value) for name, value in true.items() if call[name] != value}
        if wrong:
            found.append((wrong, call["error_kind"], call["served_model"], sale))
    return compared, found


def test_everything_that_can_happen_happened(books: Books) -> None:
    assert len(books.told) == IN_ONE_DESK + AS_PROCESSES
    met = Counter((TILL_OF[sale.provider].kind, sale.fate) for sale in books.shop.sales)
    for till in TILLS:
        assert {fate for kind, fate in met if kind == till.kind} >= till.fates - {Fate.HELD}
    assert {each.status for each in books.told} >= {"completed", "refused", "paused", "failed", "cancelled"}


def test_each_request_that_reached_a_server_is_one_row_and_nothing_else_is(books: Books) -> None:
    sold = Counter((sale.order, sale.provider) for sale in books.shop.sales)
    booked = Counter((books.orders[call["request"]], call["provider"]) for call in books.calls)
    assert booked == sold
    assert {each.order: each.calls for each in books.told} == {
        each.order: len(books.shop.of(each.order)) for each in books.told
    }


def test_what_a_server_told_is_what_is_booked_to_the_token_and_the_nano_dollar(books: Books) -> None:
    compared, wrong = differences(books, lambda sale: sale.used and sale.whole)
    assert not wrong, (len(wrong), wrong[:3])
    assert compared > 800


def test_what_was_not_told_is_estimated_and_marked(books: Books) -> None:
    compared, wrong = differences(books, lambda sale: sale.used and not sale.whole)
    assert not wrong, (len(wrong), wrong[:3])
    assert compared > 200
    assert compared == sum(call["estimated"] for call in books.calls)


def test_what_used_nothing_costs_nothing(books: Books) -> None:
    compared, wrong = differences(books, lambda sale: not sale.used)
    assert not wrong, (len(wrong), wrong[:3])
    assert compared > 100


def test_the_sums_that_budgets_look_at_are_the_sums_of_the_servers(books: Books) -> None:
    for scope, key in (("day", "day"), ("job", "job")):
        sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
        for call, sale in books.pairs():
            if call[key] is None or not sale.used:
                continue
            usage, cost = true_usage(sale), true_cost(sale)
            mine = sums[call[key], call["lane"], call["provider"], call["agent"] or ""]
            mine[0] += (usage["input_tokens"] or 0) + (usage["output_tokens"] or 0)
            mine[1] += cost or 0
            mine[2] += cost is None
        rows = table(books.world, "SELECT * FROM spend WHERE scope = ?", scope)
        found = {(row["key"], row["lane"], row["provider"], row["agent"]): row for row in rows}
        assert {k: [row["tokens"], row["nano_usd"], row["unknown"]] for k, row in found.items()} == dict(sums)
    assert table(books.world, "SELECT * FROM reservations") == []


def test_every_asker_was_told_what_all_attempts_cost_and_what_the_answer_used(books: Books) -> None:
    for each in books.told:
        sold = books.shop.of(each.order)
        costs = [true_cost(sale) for sale in sold]
        if None in costs:
            assert each.cost_usd is None
        else:
            assert each.cost_usd is not None
            assert Decimal(each.cost_usd) * 10**9 == sum(cost or 0 for cost in costs)
        if each.status == Status.COMPLETED.value:
            usage = true_usage(sold[-1])
            assert each.usage == (usage["input_tokens"], usage["output_tokens"], not sold[-1].whole)


def rows_of(books: Books, *words: str) -> list[dict[str, Any]]:
    """What a report prints as JSON."""
    ran = books.world.run(*words, "--format", "json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert isinstance(found, list)
    return found


def test_the_reports_say_what_the_servers_log_says(books: Books) -> None:
    day, month = rows_of(books, "budgets")
    costs = [true_cost(sale) for sale in books.shop.sales]
    usages = [true_usage(sale) for sale in books.shop.sales if sale.used]
    assert day["spent"] == sum((each["input_tokens"] or 0) + (each["output_tokens"] or 0) for each in usages)
    assert Decimal(month["spent"]) * 10**9 == sum(cost or 0 for cost in costs)
    assert (day["reserved"], month["reserved"]) == (0, "0")
    rows = {row["provider"]: row for row in rows_of(books, "stats", "--period", "all", "--by", "provider")}
    assert set(rows) == set(KINDS)
    for name, row in rows.items():
        sales = [sale for sale in books.shop.sales if sale.provider == name]
        told = [true_usage(sale) for sale in sales if sale.used]
        for column in ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens"):
            assert (row[column] or 0) == sum(each[column] or 0 for each in told), (name, column)
        assert row["attempts"] == len(sales)
        assert row["estimated_attempts"] == sum(sale.used and not sale.whole for sale in sales)
        unknown = [sale for sale in sales if true_cost(sale) is None]
        assert row["unknown_price_attempts"] == len(unknown)
        assert Decimal(row["cost_usd"] or 0) * 10**9 == sum(true_cost(sale) or 0 for sale in sales)


def test_the_export_has_a_row_for_each_request_that_reached_a_server(books: Books) -> None:
    rows = [row for row in rows_of(books, "metrics", "export") if row["outcome"] != "skipped"]
    assert Counter(books.orders[row["request"]] for row in rows) == Counter(sale.order for sale in books.shop.sales)
    costs = [Decimal(row["cost_usd"]) for row in rows if row["cost_usd"] is not None]
    assert sum(costs) * 10**9 == sum(true_cost(sale) or 0 for sale in books.shop.sales)
    assert len(rows) - len(costs) == sum(true_cost(sale) is None for sale in books.shop.sales)
