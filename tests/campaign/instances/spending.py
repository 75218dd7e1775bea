"""Budget race: many processes spend from one hard limit, and some are killed in mid-answer (I8, B1, B2)."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.instances.crowd import Crowd
from tests.campaign.instances.house import MODEL, answer_to, house, saying, watched
from tests.campaign.instances.judge import home_kept, number, rows, told_well
from tests.campaign.instances.report import Report
from tests.support.fault_server import Mark, Play, chat_chunk, line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.campaign.instances.crowd import Ended
    from tests.campaign.instances.house import Call, House

PRICES = {"gold": (3, 15), "tin": (1, 2)}
"""US dollars a million tokens, input and output; so many thousand nano-dollars a token."""

MOST_OUTPUT = 1000
INPUT = 5
"""Tokens that a server says it read; a prompt of this campaign is never bounded lower."""


def play(folder: Path, dice: random.Random, at_once: int, seed: int) -> Report:
    """Several waves against one limit that holds about a third of what is wanted."""
    in_money = dice.random() < 0.5
    whole = {name: MOST_OUTPUT * price[1] * 1000 for name, price in PRICES.items()}
    wished = at_once * 2
    limit = wished * (whole["gold"] if in_money else MOST_OUTPUT) // 3
    line_of_limit = f"limit_usd: {Decimal(limit) / 10**9}" if in_money else f"limit_tokens: {limit}"
    doomed: set[int] = set()
    used: dict[str, tuple[str, int]] = {}

    def decide(call: Call) -> Play:
        share = random.Random(f"{seed}/{call.prompt}").uniform(0.3, 1.0)
        output = max(1, int((call.limit or MOST_OUTPUT) * share))
        if call.who in doomed:
            return Play(body=(line(chat_chunk("half an", model=MODEL)), Mark.HOLD))
        used[call.prompt] = (call.provider, output)
        text = answer_to(call.provider, call.prompt)
        return replace(saying(text, input_tokens=INPUT, output_tokens=output), before=(share / 5,))

    with house(folder, list(PRICES), decide) as opened:
        opened.configure(
            {f"only-{name}": [name] for name in PRICES},
            fields={"billing": "metered"},
            more_of_lanes=f", params: {{max_output_tokens: {MOST_OUTPUT}}}",
            more=[
                "models:",
                *(
                    f'  "{name}/{MODEL}": {{price: {{input_usd_per_mtok: {read}, output_usd_per_mtok: {spoken}}}}}'
                    for name, (read, spoken) in PRICES.items()
                ),
                "budgets:",
                f"  - {{scope: day, {line_of_limit}, kind: hard}}",
            ],
        )
        column = "nano_usd" if in_money else "tokens"
        over: list[int] = []

        def look() -> None:
            if (now := _taken(opened, column)) > limit:
                over.append(now)

        ended: list[Ended] = []
        asked: dict[int, str] = {}
        with watched(look, every_s=0.02):
            for wave in range(2):
                with Crowd(opened.world, held=dice.random() < 0.7, first=100 * wave) as crowd:
                    for order in range(at_once):
                        prompt = f"order {100 * wave + order} of {seed}"
                        who = crowd.start("exec", "--json", "--lane", f"only-{dice.choice(list(PRICES))}", prompt)
                        asked[who] = prompt
                    doomed |= set(dice.sample([who for who in asked if who >= 100 * wave], k=max(1, at_once // 5)))
                    crowd.go()
                    _kill_when_held(opened, crowd, doomed)
                    ended += crowd.ended()
        with Crowd(opened.world, first=9000) as crowd:
            crowd.start("budgets", "--json")
            told = crowd.ended()
        killed = [each for each in ended if each.killed]
        spent = _spent(opened, column)
        return Report(
            name="budget race",
            seed=seed,
            processes=len(ended) + len(told),
            killed=len(killed),
            calls=len(opened.calls),
            told=f"{'USD' if in_money else 'tokens'}: {100 * spent / limit:.0f} % of the limit spent",
            violations=(
                *home_kept(opened.world),
                *told_well([*ended, *told]),
                *(Violation(rule="I8", words=f"{now} {column} taken of {limit}") for now in over[:1]),
                *_outcomes(opened, asked, ended),
                *_counted(opened, used, ended, told[0], column, limit),
            ),
        )


def _taken(opened: House, column: str) -> int:
    """What is spent and set aside at this moment, from one look at the file."""
    if not opened.world.database.exists():
        return 0
    with contextlib.closing(
        sqlite3.connect(f"file:{opened.world.database}?mode=ro", uri=True, timeout=10)
    ) as connection:
        try:
            (row,) = connection.execute(
                f"SELECT coalesce((SELECT sum({column}) FROM spend WHERE scope = 'day'), 0) "
                f"+ coalesce((SELECT sum({column}) FROM reservations), 0)"
            )
        except sqlite3.OperationalError:  # the tables are just being made
            return 0
        return int(row[0])


def _spent(opened: House, column: str) -> int:
    return number(opened.world.database, f"SELECT sum({column}) FROM spend WHERE scope = 'day'")


def _kill_when_held(opened: House, crowd: Crowd, doomed: set[int]) -> None:
    """SIGKILL each that a server keeps waiting in mid-answer; those that were never sent are let be."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        held = {call.who for call in list(opened.calls)} & doomed & set(crowd.running())
        for who in held:
            crowd.kill(who)
        if not held and not doomed & set(crowd.running()):
            return
        time.sleep(0.02)


def _outcomes(opened: House, asked: dict[int, str], ended: list[Ended]) -> Iterator[Violation]:
    for each in ended:
        prompt = asked[each.who]
        served = len(opened.of(prompt))
        if each.killed:
            continue
        status = each.answer.get("status")
        expected = {0: ("completed", 1), 3: ("blocked", 0)}.get(each.code)
        if expected != (status, served):
            words = f"{prompt!r}: exit {each.code}, {status}, {served} times at the server: {each.err[-160:]!r}"
            yield Violation(rule="I8", words=words)


def _counted(
    opened: House, used: dict[str, tuple[str, int]], ended: list[Ended], told: Ended, column: str, limit: int
) -> Iterator[Violation]:
    """What is booked is what the servers said, and no more than the limit; killed ones count by an estimate."""
    database = opened.world.database
    spent = _spent(opened, column)
    by_servers = sum(_cost(name, INPUT, output, column) for name, output in used.values())
    if by_servers > limit:
        yield Violation(rule="I8", words=f"the servers sold {by_servers} {column} of {limit}")
    if spent > limit:
        yield Violation(rule="I8", words=f"{spent} {column} booked of {limit}")
    killed = sum(each.killed for each in ended)
    estimated = rows(
        database,
        "SELECT sum(input_tokens + output_tokens) AS tokens, sum(cost_nano_usd) AS nano_usd, count(*) AS n "
        "FROM attempts WHERE estimated AND outcome <> 'skipped'",
    )[0]
    if spent != by_servers + (estimated[column] or 0):
        words = f"{spent} {column} booked, {by_servers} sold, {estimated[column]} estimated of {killed} killed"
        yield Violation(rule="I8", words=words)
    if (estimated["n"] or 0) > killed:
        yield Violation(rule="I8", words=f"{estimated['n']} estimates for {killed} killed")
    paused = number(database, "SELECT count(*) FROM requests WHERE status = 'paused'")
    sent = {call.who for call in opened.calls}
    lost = sum(each.killed and each.who in sent for each in ended)
    if paused != lost:
        yield Violation(rule="I2", words=f"{paused} wait in the outbox, {lost} were killed in mid-answer")
    blocked = sum(each.code == 3 for each in ended)
    if blocked and spent < limit * 0.3:
        yield Violation(rule="B2", words=f"{blocked} were blocked though only {spent} of {limit} are spent")
    yield from _printed(told, spent, column)


def _printed(told: Ended, spent: int, column: str) -> Iterator[Violation]:
    views = told.records
    if len(views) != 1:
        yield Violation(rule="I8", words=f"budgets printed {told.out[:100]!r} {told.err[-100:]!r}")
        return
    (view,) = views
    shown = Decimal(str(view["spent"])) * (10**9 if column == "nano_usd" else 1)
    if shown != spent or Decimal(str(view["reserved"])) != 0:
        yield Violation(rule="I8", words=f"budgets told {json.dumps(view)[:160]}, booked are {spent}")


def _cost(name: str, read: int, output: int, column: str) -> int:
    if column == "tokens":
        return read + output
    return (PRICES[name][0] * read + PRICES[name][1] * output) * 1000
