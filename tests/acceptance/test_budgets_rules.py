"""What each budget does, by the whole program over real servers: scopes, filters, limits on the wire, warnings, days.

Where a terminal or a script reads it, it is a process; where only the rule matters, a desk made from the same file.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from llmdesk.core.budget import input_bound
from llmdesk.core.types import Params, Status
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.accounting_world import Rates, buyer, shop, table
from tests.support.metered import Bill, Fate, Speech

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from llmdesk.core.types import Outcome
    from tests.support.accounting_world import Asked, Shop
    from tests.support.exec_world import ExecWorld

KINDS = {"gold": "openai", "silver": "anthropic", "copper": "google", "tin": "ollama", "tap": "ollama"}
A_CENT = Rates(plain="10", output="10")
"""A thousand tokens for a cent, whichever way they go."""

PRICES: dict[str, Rates | str] = {
    **dict.fromkeys(("gold/one", "gold/two", "silver/one", "copper/one", "tin/one:4b"), A_CENT),
    "tap/free:4b": "{price: 0}",
}


@pytest.fixture
def fates() -> list[Fate]:
    """What becomes of the next requests; after them all are whole."""
    return []


@pytest.fixture
def bought(fates: list[Fate]) -> Iterator[Shop]:
    """Servers that count a thousand tokens for each answer, or as many as its prompt asks for: ``costs 400 tokens``."""

    def draw(asked: Asked) -> tuple[Fate, Bill, Speech]:
        words = asked.messages[-1].content.split()
        total = int(words[words.index("costs") + 1]) if "costs" in words else 1_000
        bill = Bill(plain=total // 4, spoken=total - total // 4)
        return fates.pop(0) if fates else Fate.WHOLE, bill, Speech(text="word " * 12, model=asked.model)

    with shop(KINDS, draw) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, bought: Shop) -> Callable[..., ExecWorld]:
    """Makes the home: ``home(budget, ..., targets=[...])``; other lanes and prices where a test needs them."""

    def make(*budgets: str, targets: Sequence[str] = ("gold/one",), **more: Any) -> ExecWorld:
        settings: dict[str, Any] = {"lanes": {"chat": targets}, "prices": PRICES, **more}
        return buyer(tmp_path, bought, budgets=budgets, **settings)

    return make


def orders(bought: Shop) -> list[tuple[int, str]]:
    """Which orders reached which provider."""
    return [(sale.order, sale.provider) for sale in bought.sales]


async def ask_all(world: ExecWorld, *asks: Ask) -> list[Outcome]:
    """Ask one after the other, each in a desk of its own."""
    outcomes = []
    for each in asks:
        async with make_desk(env=world.environment) as desk:
            outcomes.append(await desk.send(each).outcome())
    return outcomes


def refused(outcome: Outcome) -> str:
    """The line of a request that a budget has blocked."""
    assert outcome.status is Status.BLOCKED
    assert outcome.error is not None
    assert outcome.error.kind.value == "budget"
    return outcome.error.message


def limits(bought: Shop) -> list[int | None]:
    """The limits on the answers, as they were sent."""
    return [sale.limit for sale in bought.sales]


# --- what is told to people and scripts ------------------------------------------------------------------------------


def test_a_spent_budget_blocks_with_exit_code_3_and_one_line_and_nothing_is_sent(
    home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home("{scope: day, limit_usd: 0.01, kind: hard}", targets=("gold/one", "tap/free:4b"))
    assert world.run("exec", "order 1 costs 1000 tokens").code == 0
    plain = world.run("exec", "order 2")
    told = world.run("exec", "--json", "order 3")
    assert (plain.code, plain.out, told.code) == (3, "", 3)
    assert "blocked: Day budget 0.01 USD reached; resets at " in plain.err
    assert (told.answer["status"], told.answer["error"]["kind"]) == ("blocked", "budget")
    assert told.answer["error"]["message"].startswith("Day budget 0.01 USD reached; resets at ")
    assert told.answer["cost_usd"] == "0"
    assert orders(bought) == [(1, "gold")], "block is what happens where nothing is said, whoever is free"
    assert world.run("outbox", "list", "--json").out == ""


def test_when_exhausted_free_goes_on_with_what_is_free_and_says_so(
    home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home(
        "{scope: day, limit_usd: 0.01, kind: hard, when_exhausted: free}",
        targets=("gold/one", "silver/one", "tap/free:4b"),
    )
    world.run("exec", "order 1 costs 1000 tokens")
    plain = world.run("exec", "order 2")
    told = world.run("exec", "--json", "order 3").answer
    assert plain.code == 0
    assert "Day budget 0.01 USD reached" in plain.err
    assert "answering with free:4b (tap)" in plain.err
    assert (told["provider"], told["cost_usd"]) == ("tap", "0")
    assert [(step["to"], step["reason"]) for step in told["failovers"]] == [("tap/free:4b", "budget")]
    assert orders(bought) == [(1, "gold"), (2, "tap"), (3, "tap")]


def test_when_exhausted_free_blocks_where_nothing_is_free(home: Callable[..., ExecWorld], bought: Shop) -> None:
    world = home("{scope: day, limit_usd: 0.01, kind: hard, when_exhausted: free}", targets=("gold/one", "silver/one"))
    world.run("exec", "order 1 costs 1000 tokens")
    told = world.run("exec", "--json", "order 2")
    assert (told.code, told.answer["error"]["kind"]) == (3, "budget")
    assert orders(bought) == [(1, "gold")]


def test_an_unknown_price_is_refused_with_what_to_write_and_writing_it_helps(
    home: Callable[..., ExecWorld], bought: Shop
) -> None:
    budget = "{scope: day, limit_usd: 5, kind: hard}"
    world = home(budget, targets=("gold/strange-model",))
    told = world.run("exec", "--json", "order 1")
    assert (told.code, told.answer["status"]) == (3, "blocked")
    assert "gold/strange-model: its price is unknown" in told.answer["error"]["message"]
    assert "models: {gold/strange-model: {price: 0}}" in told.answer["error"]["message"]
    assert orders(bought) == []
    home(budget, targets=("gold/strange-model",), prices={"gold/strange-model": "{price: 0}"})
    told = world.run("exec", "--json", "order 2")
    assert (told.code, told.answer["cost_usd"]) == (0, "0")
    home(budget, targets=("gold/strange-model",), prices={"gold/strange-model": A_CENT})
    assert world.run("exec", "--json", "order 3 costs 1000 tokens").answer["cost_usd"] == "0.01"


def test_a_soft_budget_warns_from_its_mark_on_and_never_blocks(home: Callable[..., ExecWorld], bought: Shop) -> None:
    world = home("{scope: day, limit_usd: 0.02, kind: soft, warn_at: 0.7}")
    answers = [world.run("exec", "--json", f"order {n} costs 700 tokens").answer for n in range(1, 4)]
    assert [answer["status"] for answer in answers] == ["completed"] * 3
    assert [answer["warnings"] for answer in answers] == [
        [],
        ["Day budget: 0.014 USD of 0.02 USD spent (70 %)."],
        ["Day budget: 0.021 USD spent, the limit is 0.02 USD."],
    ]
    assert limits(bought) == [None] * 3, "a soft budget limits no answer"
    plain = world.run("exec", "order 4 costs 700 tokens")
    assert plain.code == 0
    assert "Day budget: 0.028 USD spent, the limit is 0.02 USD." in plain.err


async def test_a_soft_budget_counts_no_unknown_price_as_nothing(home: Callable[..., ExecWorld], bought: Shop) -> None:
    world = home("{scope: day, limit_usd: 0.02, kind: soft}", targets=("gold/strange-model",))
    (outcome,) = await ask_all(world, Ask(prompt="order 1"))
    assert (outcome.status, outcome.cost_usd) == (Status.COMPLETED, None)
    assert any("its price is unknown" in line for line in outcome.warnings)


# --- what counts to it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["day", "month", "job", "conversation"])
async def test_a_second_request_of_the_same_scope_is_blocked_and_one_of_another_is_not(
    scope: str, home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home(f"{{scope: {scope}, limit_tokens: 1250, kind: hard}}")
    (first,) = await ask_all(world, Ask(prompt="order 1 costs 1000 tokens", job="build"))
    assert first.status is Status.COMPLETED
    same = Ask(prompt="order 2", job="build", conversation=first.conversation)
    (second,) = await ask_all(world, same)
    told = refused(second)
    assert told.startswith(f"{scope.capitalize()} budget 1 250 tokens: 250 tokens left, gold/one may use ")
    assert ("resets at" in told) == (scope in {"day", "month"})
    (other,) = await ask_all(world, Ask(prompt="order 3", job="other"))
    assert (other.status is Status.BLOCKED) == (scope in {"day", "month"})
    assert len(bought.sales) == (1 if scope in {"day", "month"} else 2)


@pytest.mark.parametrize(
    ("narrow", "counted", "not_counted"),
    [
        ("lane: chat", Ask(prompt="order 2"), Ask(prompt="order 3", lane="other")),
        ("provider: gold", Ask(prompt="order 2", lane="other"), Ask(prompt="order 3", lane="silver")),
        ("agent: builder", Ask(prompt="order 2", agent="builder"), Ask(prompt="order 3")),
    ],
    ids=["lane", "provider", "agent"],
)
async def test_a_filter_narrows_what_counts_and_what_is_blocked(
    narrow: str, counted: Ask, not_counted: Ask, home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home(
        f"{{scope: day, {narrow}, limit_usd: 0.01, kind: hard}}",
        lanes={"chat": ("gold/one",), "other": ("gold/two",), "silver": ("silver/one",)},
        more="agents: {builder: {lane: chat}}",
    )
    first, blocked, free = await ask_all(
        world, Ask(prompt="order 1 costs 1000 tokens", agent="builder"), counted, not_counted
    )
    assert first.status is Status.COMPLETED
    assert refused(blocked).startswith(f"Day budget of {narrow.replace(':', '')} 0.01 USD reached")
    assert free.status is Status.COMPLETED
    assert [sale.order for sale in bought.sales] == [1, 3]


@pytest.mark.parametrize("fate", [Fate.CUT, Fate.BROKEN])
async def test_a_try_that_broke_off_counts_to_the_budget_of_its_request(
    fate: Fate, fates: list[Fate], home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home("{scope: request, limit_tokens: 2000, kind: hard}", targets=("silver/one",))
    fates += [fate]
    (outcome,) = await ask_all(world, Ask(prompt="order 1 costs 2400 tokens"))
    assert outcome.status is Status.COMPLETED
    broken, whole = bought.sales
    spent = 600 + broken.guess_output
    assert broken.limit is not None
    assert whole.limit == broken.limit - spent, "what the first try used is missing to the second"
    (failed, _) = outcome.attempts
    assert failed.usage is not None
    assert (failed.usage.input_tokens, failed.usage.output_tokens) == (600, broken.guess_output)
    assert failed.usage.estimated


async def test_a_request_that_used_its_budget_up_in_tries_is_blocked(
    fates: list[Fate], home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home("{scope: request, limit_tokens: 2000, kind: hard}", targets=("silver/one",))
    fates += [Fate.CUT]
    (outcome,) = await ask_all(world, Ask(prompt="order 1 costs 8000 tokens"))
    assert refused(outcome).startswith("Request budget 2 000 tokens reached")
    assert len(bought.sales) == 1
    spent = table(world, "SELECT sum(tokens) AS tokens FROM spend WHERE scope = 'day'")[0]["tokens"]
    assert spent == 2_000 + bought.sales[0].guess_output, "what the server told counts, though it passes the limit"


# --- the limit that is sent ------------------------------------------------------------------------------------------

TARGETS = ["gold/one", "silver/one", "copper/one", "tin/one:4b"]


@pytest.mark.parametrize("target", TARGETS)
async def test_every_wire_carries_8192_then_what_is_left_and_under_256_nothing_is_asked(
    target: str, home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home("{scope: day, limit_tokens: 10000, kind: hard}", targets=(target,))
    costs = (1_000, 1_000, 7_600, 150, 1)
    outcomes = await ask_all(
        world, *(Ask(prompt=f"order {n} costs {tokens} tokens") for n, tokens in enumerate(costs, 1))
    )
    assert [outcome.status for outcome in outcomes[:4]] == [Status.COMPLETED] * 4
    bounds = [input_bound(sale.guess_read, 1) for sale in bought.sales]
    assert limits(bought) == [8_192, 8_192, 8_000 - bounds[2], 400 - bounds[3]]
    lowered = [any("day budget leaves room for" in line for line in outcome.warnings) for outcome in outcomes]
    assert lowered == [False, False, True, True, False]
    assert refused(outcomes[4]).startswith(f"Day budget 10 000 tokens: 250 tokens left, {target} may use ")


@pytest.mark.parametrize("target", TARGETS)
async def test_the_limit_of_the_lane_is_sent_and_lowered_to_what_the_money_pays(
    target: str, home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home(
        "{scope: day, limit_usd: 0.02, kind: hard}",
        targets=(target,),
        more_of_lanes={"chat": ", params: {max_output_tokens: 700}"},
    )
    first, second, third = await ask_all(
        world, Ask(prompt="order 1 costs 900 tokens"), Ask(prompt="order 2 costs 600 tokens"), Ask(prompt="order 3")
    )
    bound = input_bound(bought.sales[-1].guess_read, 1)
    assert limits(bought) == [700, 700, 500 - bound]
    assert [outcome.status for outcome in (first, second, third)] == [Status.COMPLETED] * 3


@pytest.mark.parametrize("target", TARGETS)
async def test_without_a_hard_budget_no_limit_is_made_up(
    target: str, home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home("{scope: day, limit_tokens: 100, kind: soft}", targets=(target,))
    await ask_all(world, Ask(prompt="order 1"))
    own = 8_192 if target == "silver/one" else None  # this wire demands one
    assert limits(bought) == [own]


@pytest.mark.parametrize(
    ("fields", "name"),
    [({}, "max_tokens"), ({"preset": "openai"}, "max_completion_tokens")],
    ids=["compatible", "OpenAI"],
)
async def test_openai_is_told_in_the_word_it_takes_today(
    fields: dict[str, object], name: str, home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home("{scope: day, limit_usd: 1, kind: hard}", fields={"gold": fields})
    await ask_all(world, Ask(prompt="order 1"))
    (seen,) = bought.servers["gold"].seen()
    assert {key: value for key, value in seen.json.items() if key.startswith("max")} == {name: 8_192}


@pytest.mark.parametrize(
    ("target", "extra"),
    [
        ("gold/one", {"max_tokens": 90_000, "max_completion_tokens": 90_000}),
        ("silver/one", {"max_tokens": 90_000}),
        ("copper/one", {"generationConfig": {"maxOutputTokens": 90_000}}),
        ("tin/one:4b", {"options": {"num_predict": -1}}),
        ("tin/one:4b", {"num_predict": 90_000}),
    ],
    ids=["openai", "anthropic", "google", "ollama options", "ollama"],
)
async def test_a_raw_field_does_not_lift_the_limit_of_a_budget(
    target: str, extra: dict[str, object], home: Callable[..., ExecWorld], bought: Shop
) -> None:
    world = home("{scope: day, limit_tokens: 3000, kind: hard}", targets=(target,))
    (outcome,) = await ask_all(world, Ask(prompt="order 1", params=Params(extra=extra)))
    assert outcome.status is Status.COMPLETED
    bound = input_bound(bought.sales[0].guess_read, 1)
    (limit,) = limits(bought)
    assert limit is not None
    assert limit <= 3_000 - bound
    assert b"90000" not in bought.servers[target.partition("/")[0]].seen()[-1].body


# --- the calendar ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "spent_at", "resets", "last_s", "first_s"),
    [
        ("Africa/Cairo", (2026, 4, 23, 23, 50), "24 Apr 01:00", 599, 601),
        ("Asia/Beirut", (2026, 3, 28, 23, 50), "29 Mar 01:00", 599, 601),
        ("Pacific/Apia", (2011, 12, 29, 23, 50), "31 Dec 00:00", 599, 601),
        ("Europe/Berlin", (2026, 10, 25, 0, 10), "26 Oct 00:00", 24 * 3600 + 49 * 60, 24 * 3600 + 51 * 60),
        ("Europe/Berlin", (2026, 3, 29, 0, 10), "30 Mar 00:00", 22 * 3600 + 49 * 60, 22 * 3600 + 51 * 60),
    ],
    ids=["Cairo without a midnight", "Beirut without a midnight", "Apia without a 30th", "25 hours", "23 hours"],
)
async def test_a_day_ends_when_the_calendar_of_its_user_says(
    zone: str,
    spent_at: tuple[int, int, int, int, int],
    resets: str,
    last_s: float,
    first_s: float,
    home: Callable[..., ExecWorld],
    bought: Shop,
) -> None:
    world = home("{scope: day, limit_usd: 0.01, kind: hard}")
    begun = datetime(*spent_at, tzinfo=ZoneInfo(zone))
    with time_machine.travel(begun) as clock:
        (first,) = await ask_all(world, Ask(prompt="order 1 costs 1000 tokens"))
        (second,) = await ask_all(world, Ask(prompt="order 2"))
        clock.shift(last_s - 5)
        (last,) = await ask_all(world, Ask(prompt="order 3"))
        clock.shift(first_s - last_s + 5)
        (fresh,) = await ask_all(world, Ask(prompt="order 4 costs 1000 tokens"))
        clock.move_to(begun)  # a clock that is set back finds the old day as it was left (policy B6)
        (back,) = await ask_all(world, Ask(prompt="order 5"))
    assert first.status is Status.COMPLETED
    assert refused(second).endswith(f"resets at {resets}.")
    assert refused(last).partition(";")[0] == "Day budget 0.01 USD reached"
    assert fresh.status is Status.COMPLETED
    assert refused(back).endswith(f"resets at {resets}.")
    days = table(world, "SELECT key, nano_usd FROM spend WHERE scope = 'day' ORDER BY key")
    assert [row["nano_usd"] for row in days] == [10_000_000, 10_000_000]
    assert days[0]["key"] == f"{begun:%Y-%m-%d}"
