"""A hard budget is never passed, end to end: whoever races, whatever is killed, the servers' own log is the judge.

The servers use all that they may: a prompt as long as its upper bound, an answer up to the limit that was sent.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from llmdesk.core.types import Status
from llmdesk.core.views import Ask
from llmdesk.wiring import make_desk
from tests.support.accounting_world import Rates, buyer, greedy, shop, table
from tests.support.fault_server import until
from tests.support.metered import Bill, Fate, Speech

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.accounting_world import Asked, Sale, Shop
    from tests.support.exec_world import ExecWorld

PRICES = {
    "gold/one": Rates(plain="3.0000001", output="15.1", cached="0.3"),
    "silver/one": Rates(plain="3", output="15", written="3.75", request="0.0005"),
    "copper/one": Rates(plain="0.3", output="2.5000003"),
    "tin/one:4b": Rates(plain="0.2", output="0.7"),
}
KINDS = {"gold": "openai", "silver": "anthropic", "copper": "google", "tin": "ollama"}
ORDERS = range(10, 18)
CAP = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A hard budget of a day, and what it counts."""

    line: str
    unit: str
    amount: Decimal

    def used(self, sales: list[Sale]) -> Decimal:
        """What sales used of it, by their servers' log."""
        return sum((self._of(sale) for sale in sales if sale.used), Decimal(0))

    def _of(self, sale: Sale) -> Decimal:
        read, output = sale.told.read or 0, sale.told.output or 0
        if self.unit == "tokens":
            return Decimal(read + output)
        price = PRICES[f"{sale.provider}/{sale.model}"]
        cached, written = sale.told.cached or 0, sale.told.written or 0
        return Decimal(price.nano_usd(read=read, output=output, cached=cached, written=written)) / 10**9


TOKENS = Limit(line="{scope: day, limit_tokens: 3500, kind: hard}", unit="tokens", amount=Decimal(3_500))
MONEY = Limit(line="{scope: day, limit_usd: 0.052, kind: hard}", unit="usd", amount=Decimal("0.052"))


def reached(opened: Shop, order: int) -> bool:
    """Whether any word of an order reached any server."""
    return any(f"order {order} ".encode() in seen.body for server in opened.servers.values() for seen in server.seen())


def race(world: ExecWorld, at_once: int) -> dict[int, tuple[int, dict[str, Any]]]:
    """Ask for all orders, so many processes at once: exit code and answer of each."""
    ended: dict[int, tuple[int, dict[str, Any]]] = {}
    for first in range(0, len(ORDERS), at_once):
        wave = ORDERS[first : first + at_once]
        running = {order: world.start("exec", "--json", f"order {order} please") for order in wave}
        for order, process in running.items():
            out, _ = process.communicate(timeout=60)
            ended[order] = (process.returncode, json.loads(out))
    return ended


@pytest.mark.parametrize(
    ("at_once", "limit", "target"),
    [(2, TOKENS, "gold/one"), (4, MONEY, "silver/one")],
    ids=["2 processes, tokens", "4 processes, USD"],
)
def test_processes_that_race_never_pass_a_hard_limit_and_the_blocked_send_nothing(
    at_once: int, limit: Limit, target: str, tmp_path: Path
) -> None:
    with shop(KINDS, greedy) as opened:
        opened.pause_s = 0.3
        world = buyer(
            tmp_path, opened, lanes={"chat": [target]}, prices=PRICES, budgets=[limit.line],
            more_of_lanes={"chat": f", params: {{max_output_tokens: {CAP}}}"},
        )  # fmt: skip
        ended = race(world, at_once)
    assert limit.used(opened.sales) <= limit.amount
    assert sorted(sale.limit or 0 for sale in opened.sales)[-3:] == [CAP] * 3
    assert len(opened.sales) == 4, "three whole answers and one that was lowered to what was left"
    assert 256 <= min(sale.limit or 0 for sale in opened.sales) < CAP
    for order, (code, answer) in ended.items():
        if sold := opened.of(order):
            assert (code, answer["status"], len(sold)) == (0, "completed", 1)
            continue
        assert (code, answer["status"], answer["error"]["kind"]) == (3, "blocked", "budget")
        assert answer["error"]["message"].startswith("Day budget ")
        assert "resets at " in answer["error"]["message"]
        assert not reached(opened, order)
    assert table(world, "SELECT * FROM reservations") == []


def moderate(asked: Asked) -> tuple[Fate, Bill, Speech]:
    """Use some of what may be used, after a 5xx or not."""
    dice = random.Random(f"{asked.provider}/{asked.order}/{asked.before}")
    if dice.random() < 0.25:
        fate = dice.choice((Fate.BUSY, Fate.HANG_UP))
        return fate, Bill(plain=0), Speech(text="", model=asked.model)
    _, most, speech = greedy(asked)
    read, output = dice.randint(1, most.read), dice.randint(1, most.spoken)
    return Fate.WHOLE, Bill(plain=read, spoken=output), speech


@pytest.mark.parametrize(("limit_tokens", "limit_usd"), [(60_000, "10"), (10_000_000, "0.2")], ids=["tokens", "USD"])
async def test_many_requests_at_once_in_one_desk_never_pass_a_hard_limit(
    limit_tokens: int, limit_usd: str, tmp_path: Path
) -> None:
    limits = [
        Limit(line=f"{{scope: day, limit_tokens: {limit_tokens}, kind: hard}}", unit="tokens",
              amount=Decimal(limit_tokens)),
        Limit(line=f"{{scope: month, limit_usd: {limit_usd}, kind: hard}}", unit="usd", amount=Decimal(limit_usd)),
    ]  # fmt: skip
    with shop(KINDS, moderate) as opened:
        world = buyer(
            tmp_path, opened, prices=PRICES, budgets=[limit.line for limit in limits],
            lanes={"a": ["gold/one", "tin/one:4b"], "b": ["silver/one"], "c": ["copper/one", "gold/one"]},
            more_of_lanes=dict.fromkeys("abc", ", params: {max_output_tokens: 4000}"),
        )  # fmt: skip
        async with make_desk(env=world.environment) as desk:
            statuses: list[Status] = []
            for wave in range(5):  # the more have settled, the less is only set aside
                orders = range(100 * wave, 100 * wave + 24)
                runs = {
                    order: desk.send(Ask(prompt=f"order {order} please", lane="abc"[order % 3])) for order in orders
                }
                for order, outcome in zip(
                    runs, await asyncio.gather(*(r.outcome() for r in runs.values())), strict=True
                ):
                    statuses.append(outcome.status)
                    if outcome.status is Status.BLOCKED and not outcome.attempts[:-1]:
                        assert not reached(opened, order)
                assert all(limit.used(opened.sales) <= limit.amount for limit in limits)
    assert statuses.count(Status.COMPLETED) > 10
    assert statuses.count(Status.BLOCKED) > 10
    assert any(limit.used(opened.sales) > limit.amount * Decimal("0.6") for limit in limits), "it was near"
    assert table(world, "SELECT * FROM reservations") == []


def held_at_first(asked: Asked) -> tuple[Fate, Bill, Speech]:
    """Say nothing more in the middle of the first answer; the second one is whole."""
    fate, bill, speech = greedy(asked)
    return (Fate.HELD if asked.before == 0 else fate), bill, speech


async def test_kill_9_in_mid_answer_leaves_nothing_reserved_and_the_request_in_the_outbox(tmp_path: Path) -> None:
    with shop(KINDS, held_at_first) as opened:
        world = buyer(
            tmp_path, opened, lanes={"chat": ["gold/one"]}, prices=PRICES,
            budgets=["{scope: day, limit_tokens: 1200, kind: hard}", "{scope: day, limit_usd: 0.02, kind: hard}"],
            more_of_lanes={"chat": f", params: {{max_output_tokens: {CAP}}}"},
        )  # fmt: skip
        process = world.start("exec", "order 1 please", start_new_session=True)
        try:
            await until(lambda: opened.sales)
            (aside,) = table(world, "SELECT sum(tokens) AS tokens, sum(nano_usd) AS nano_usd FROM reservations")
            assert CAP < aside["tokens"] <= 1_200, "another such answer has no room beside it"
            assert aside["nano_usd"] > 0.015 * 10**9
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        (entry,) = [json.loads(line) for line in world.run("outbox", "list", "--json").out.splitlines()]
        assert (entry["prompt"], entry["reason"].partition(":")[0]) == ("order 1 please", "interrupted")
        assert table(world, "SELECT * FROM reservations") == []
        again = world.run("outbox", "retry", entry["id"], "--json")
    assert (again.code, again.answer["status"]) == (0, "completed")
    assert [sale.limit for sale in opened.sales] == [CAP, CAP], "what was set aside before is not missing now"
    assert again.answer["usage"]["output_tokens"] == CAP
    assert table(world, "SELECT * FROM reservations") == []
    assert world.run("outbox", "list", "--json").out == ""


async def test_a_second_process_may_use_at_once_what_a_killed_one_had_set_aside(tmp_path: Path) -> None:
    """No start and no expiry is waited for: a refusal looks first whether the others still live."""
    with shop(KINDS, held_at_first) as opened:
        world = buyer(
            tmp_path, opened, lanes={"chat": ["gold/one"]}, prices=PRICES,
            budgets=["{scope: day, limit_tokens: 1200, kind: hard}"],
            more_of_lanes={"chat": f", params: {{max_output_tokens: {CAP}}}"},
        )  # fmt: skip
        async with make_desk(env=world.environment) as desk:
            process = world.start("exec", "order 1 please", start_new_session=True)
            await until(lambda: opened.sales)
            blocked = await desk.send(Ask(prompt="order 2 please")).outcome()
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            opened.draw = greedy
            after = await desk.send(Ask(prompt="order 3 please")).outcome()
    assert blocked.status is Status.BLOCKED
    assert blocked.error is not None
    assert "left" in blocked.error.message
    assert after.status is Status.COMPLETED
    assert [sale.order for sale in opened.sales] == [1, 3]
