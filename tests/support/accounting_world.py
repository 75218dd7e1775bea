"""A shop of metered servers and a home that buys there: each sale is written down by its server, whatever is booked.

Each prompt carries the number of its order; what becomes of it at a server is drawn from that number and from how often
the server has seen it, so that nothing depends on how requests are interleaved.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from llmdesk.core.budget import input_bound
from llmdesk.core.lanes import estimate_tokens
from llmdesk.core.types import Message, Role
from tests.support.exec_world import exec_world
from tests.support.fault_server import FaultServer, model_entry
from tests.support.metered import TILLS, TOLD_WHOLE, UNUSED, Bill, Fate, Speech

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.support.exec_world import ExecWorld
    from tests.support.fault_server import Seen
    from tests.support.metered import Till, Told

ORDER = re.compile(r"\border (\d+)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """US dollars a million tokens, as somebody writes them; ``None`` = not written."""

    plain: str
    output: str
    cached: str | None = None
    written: str | None = None
    request: str | None = None

    @property
    def line(self) -> str:
        """The price as the configuration has it."""
        names = {
            "input_usd_per_mtok": self.plain,
            "output_usd_per_mtok": self.output,
            "cached_input_usd_per_mtok": self.cached,
            "cache_write_usd_per_mtok": self.written,
            "per_request_usd": self.request,
        }
        return "{price: {" + ", ".join(f"{name}: {rate}" for name, rate in names.items() if rate is not None) + "}}"

    def nano_usd(self, *, read: int, output: int, cached: int = 0, written: int = 0) -> int:
        """What tokens cost: whole nano-dollars, half a one up."""
        dollars_a_mtok = (
            (read - cached - written) * Decimal(self.plain)
            + cached * Decimal(self.cached or self.plain)
            + written * Decimal(self.written or self.plain)
            + output * Decimal(self.output)
        )
        nano = dollars_a_mtok * 1000
        return int(nano.quantize(Decimal(1), ROUND_HALF_UP)) + int(Decimal(self.request or 0) * 10**9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One request as its server saw it and answered it. ``whole``: the client was told all that it used."""

    provider: str
    model: str
    served: str
    order: int
    fate: Fate
    told: Told
    whole: bool
    said: str
    guess_read: int
    guess_output: int
    limit: int | None

    @property
    def used(self) -> bool:
        """Whether it used anything."""
        return self.fate not in UNUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it reached a server. ``before`` = how often this provider has seen that order before."""

    provider: str
    model: str
    order: int
    before: int
    messages: tuple[Message, ...]
    limit: int | None

    @property
    def guess_read(self) -> int:
        """The tokens of its messages by our estimate; a system message is what a wire added to tell a schema."""
        return estimate_tokens(message for message in self.messages if message.role is not Role.SYSTEM)


Draw = Callable[[Asked], tuple[Fate, Bill, Speech]]
"""Says what becomes of a request."""


@dataclass
class Shop:
    """The servers, by the name of their provider, and everything they sold.

    ``pause_s`` is how long a server thinks before it answers, seconds.
    """

    tills: Mapping[str, Till]
    servers: dict[str, FaultServer]
    draw: Draw
    pause_s: float = 0.0
    sales: list[Sale] = field(default_factory=list)
    _seen: Counter[tuple[str, int]] = field(default_factory=Counter)

    def sell(self, name: str, seen: Seen) -> None:
        """Answer one request, and write it down."""
        till = self.tills[name]
        if not till.asks(seen.path):
            return
        messages = tuple(till.messages(seen.json))
        order = max(int(found[1]) for message in messages for found in ORDER.finditer(message.content))
        asked = Asked(
            provider=name,
            model=seen.json.get("model") or seen.path.rpartition("/")[2].partition(":")[0],
            order=order,
            before=self._seen[name, order],
            messages=messages,
            limit=till.limit(seen.json),
        )
        fate, bill, speech = self.draw(asked)
        self._seen[name, order] += 1
        act = till.act(fate, bill, speech)
        self.sales.append(
            Sale(
                provider=name,
                model=asked.model,
                served=speech.model,
                order=order,
                fate=fate,
                told=act.told,
                whole=act.exact or fate in TOLD_WHOLE,
                said=act.said,
                guess_read=asked.guess_read,
                guess_output=estimate_tokens([Message(role=Role.ASSISTANT, content=act.said + act.thought)]),
                limit=asked.limit,
            )
        )
        play = act.play
        self.servers[name].play(seen.path, replace(play, before=(self.pause_s,)) if self.pause_s else play)

    def of(self, order: int) -> list[Sale]:
        """What was sold to one order, in its order."""
        return [sale for sale in self.sales if sale.order == order]

    def url(self, name: str) -> str:
        """The base URL of a provider."""
        return self.tills[name].url(self.servers[name].url)


@contextlib.contextmanager
def shop(names: Mapping[str, str], draw: Draw) -> Iterator[Shop]:
    """Open servers, each in a thread of its own.

    Args:
        names: the kind of each provider, by its name.
        draw: what becomes of a request.
    """
    tills = {name: next(till for till in TILLS if till.kind == kind) for name, kind in names.items()}
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(FaultServer.in_thread()) for name in names}
        made = Shop(tills=tills, servers=servers, draw=draw)
        for name, server in servers.items():
            server.models = [model_entry(f"{model}:4b") for model in ("one", "two", "free")]
            server.on_request = lambda seen, name=name: made.sell(name, seen)
        yield made


def buyer(
    home: Path,
    shop: Shop,
    *,
    lanes: Mapping[str, Sequence[str]],
    prices: Mapping[str, Rates | str] | None = None,
    budgets: Sequence[str] = (),
    fields: Mapping[str, Mapping[str, object]] | None = None,
    more_of_lanes: Mapping[str, str] | None = None,
    more: str = "",
) -> ExecWorld:
    """A home whose configuration knows the shop.

    Args:
        home: its folder.
        shop: the servers.
        lanes: targets by lane; the first lane is the default one.
        prices: by model ref; a string is written as it is.
        budgets: each as a line of YAML.
        fields: of providers, over the usual ones.
        more_of_lanes: what else is written of a lane, each beginning with a comma.
        more: further lines of YAML.
    """
    world = exec_world(home, THE_KEY="key-of-the-shop")
    lines = ["version: 1", f"default_lane: {next(iter(lanes))}", "providers:"]
    for name, till in shop.tills.items():
        written: dict[str, object] = {
            "kind": till.kind,
            "base_url": shop.url(name),
            "billing": "metered",
            "retry": {"attempts": 3, "delay_s": 0},
            "cooldown_s": 0.02,
            **({} if till.kind == "ollama" else {"api_key": "${THE_KEY}"}),
            **(fields or {}).get(name, {}),
        }
        lines.append(f"  {name}: {json.dumps(written)}")
    lines.append("lanes:")
    for lane, targets in lanes.items():
        lines.append(f"  {lane}: {{targets: {json.dumps(list(targets))}{(more_of_lanes or {}).get(lane, '')}}}")
    if prices:
        lines.append("models:")
        lines += [
            f"  {json.dumps(ref)}: {each if isinstance(each, str) else each.line}" for ref, each in prices.items()
        ]
    if budgets:
        lines += ["budgets:", *(f"  - {budget}" for budget in budgets)]
    world.configure("\n".join([*lines, more]) + "\n")
    return world


def table(world: ExecWorld, query: str, *values: object) -> list[dict[str, Any]]:
    """Rows of the database file, read from outside."""
    connection = sqlite3.connect(world.database)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(query, values)]
    finally:
        connection.close()


def drawn_bill(dice: random.Random) -> Bill:
    """Counts as they may come: caches that are hit or not, reasoning or none."""
    return Bill(
        plain=dice.randint(1, 5_000),
        cached=dice.choice((0, 0, dice.randint(1, 20_000))),
        written=dice.choice((0, 0, dice.randint(1, 3_000))),
        spoken=dice.randint(1, 2_000),
        thought=dice.choice((0, 0, dice.randint(1, 4_000))),
    )


def greedy(asked: Asked) -> tuple[Fate, Bill, Speech]:
    """Use all that an attempt may use: a long reading of the prompt, cached at once, and an answer up to its limit."""
    read = input_bound(asked.guess_read, len(asked.messages))
    return (
        Fate.WHOLE,
        Bill(plain=0, written=read, spoken=asked.limit or 8_192),
        Speech(text="word " * 12, model=asked.model),
    )
