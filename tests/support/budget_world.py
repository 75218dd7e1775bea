"""A desk whose cloud is paid by the token, with budgets over the real store, and what of them is left on disk."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from llmdesk.core.budget import Budget
from llmdesk.core.prices import Price
from llmdesk.core.types import Usage
from llmdesk.providers.scripted import Scene
from tests.support.desk_world import DeskWorld

if TYPE_CHECKING:
    from pathlib import Path

PRICE = Price(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(2))
"""A thousand nano-dollars a token sent, two thousand a token received."""

IN, OUT = 1_000, 2_000
"""The same, nano-dollars a token."""

CENT = 10_000_000
"""Nano-dollars."""


def usd(limit: int, scope: str = "day", **fields: Any) -> Budget:
    """A budget of so many nano-dollars; hard unless said otherwise."""
    return Budget(**{"scope": scope, "limit": limit, "unit": "usd", **fields})


def tokens(limit: int, scope: str = "day", **fields: Any) -> Budget:
    """A budget of so many tokens; hard unless said otherwise."""
    return Budget(**{"scope": scope, "limit": limit, "unit": "tokens", **fields})


def metered(home: Path, *budgets: Budget, price: Price | None = PRICE, **fields: Any) -> DeskWorld:
    """A world in which the cloud costs money (``price`` ``None`` = nobody knows how much) and this machine nothing."""
    prices = {} if price is None else {"cloud/big:120b": price}
    world = DeskWorld(home, budgets=budgets, prices=prices, **fields)
    world.rules["cloud"] = replace(world.rules["cloud"], free=False)
    return world


def used(input_tokens: int, output_tokens: int, text: str = "an answer") -> Scene:
    """An answer that tells what it used."""
    return Scene(steps=[text], usage=Usage(input_tokens=input_tokens, output_tokens=output_tokens))


def reserved(world: DeskWorld) -> list[tuple[Any, ...]]:
    """What is set aside on disk: request, number, tokens, nano-dollars."""
    return world.rows("SELECT request, number, tokens, nano_usd FROM reservations ORDER BY request, number")


def booked(world: DeskWorld) -> list[tuple[Any, ...]]:
    """What is booked on disk, skips left out: provider, outcome, tokens in and out, nano-dollars, whether estimated."""
    return world.rows(
        "SELECT provider, outcome, input_tokens, output_tokens, cost_nano_usd, estimated FROM attempts "
        "WHERE outcome <> 'skipped' ORDER BY id"
    )


def spent(world: DeskWorld) -> int:
    """All nano-dollars of all days."""
    ((total,),) = world.rows("SELECT coalesce(sum(nano_usd), 0) FROM spend WHERE scope = 'day'")
    return int(total)
