"""Start storm: many first starts on a folder that does not exist yet (I9, I10, I19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.instances.crowd import Crowd
from tests.campaign.instances.house import answer_to, house
from tests.campaign.instances.judge import home_kept, number, rows, told_well
from tests.campaign.instances.report import Report

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.campaign.instances.crowd import Ended
    from tests.campaign.instances.house import House

OTHERS = (("doctor",), ("conversations", "list", "--json"), ("outbox", "list", "--json"), ("stats",), ("budgets",))
"""Commands that start on the same folder beside them."""


def play(folder: Path, dice: random.Random, at_once: int, seed: int) -> Report:
    """Start ``at_once`` requests on nothing: no folder, no configuration, only the address of a server."""
    held = dice.random() < 0.7
    with house(folder, ["local"]) as opened, Crowd(opened.world, held=held) as crowd:
        asked = {}
        for order in range(at_once):
            prompt = f"order {order} of {seed}"
            asked[crowd.start("exec", "--json", prompt, OLLAMA_HOST=opened.servers["local"].url)] = prompt
        for words in dice.sample(OTHERS, k=min(len(OTHERS), at_once // 4)):
            crowd.start(*words, OLLAMA_HOST=opened.servers["local"].url)
        ended = crowd.ended()
        return Report(
            name="start storm",
            seed=seed,
            processes=len(ended),
            killed=0,
            calls=len(opened.calls),
            told="let go together" if held else "as they came",
            violations=tuple(_judge(opened, asked, ended)),
        )


def _judge(opened: House, asked: dict[int, str], ended: list[Ended]) -> Iterator[Violation]:
    yield from home_kept(opened.world)
    yield from told_well(ended)
    for each in ended:
        prompt = asked.get(each.who)
        if prompt is None:
            continue
        if each.answer.get("text") != answer_to("local", prompt) or each.code != 0:
            yield Violation(rule="I1", words=f"{prompt!r}: exit {each.code}, {each.out[:80]!r} {each.err[-160:]!r}")
        if (count := len(opened.of(prompt))) != 1:
            yield Violation(rule="I6", words=f"{prompt!r} reached the server {count} times")
    database = opened.world.database
    completed = {row["prompt"] for row in rows(database, "SELECT prompt FROM requests WHERE status = 'completed'")}
    if completed != set(asked.values()):
        yield Violation(rule="I2", words=f"completed in the database: {sorted(completed)}")
    expected = {"requests": 1, "attempts": 1, "messages": 2, "conversations": 1}
    for table, each_has in expected.items():
        where = " WHERE outcome <> 'skipped'" if table == "attempts" else ""
        found = number(database, f"SELECT count(*) FROM {table}{where}")
        if found != each_has * len(asked):
            yield Violation(rule="I19", words=f"{found} {table} of {len(asked)} requests")
    if copies := [path.name for path in database.parent.iterdir() if "backup" in path.name]:
        yield Violation(rule="I19", words=f"a new database has copies of an older one: {copies}")
