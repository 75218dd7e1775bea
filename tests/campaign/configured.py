"""The configuration file of a sequence: its providers as they can be reached, its lanes, prices and budgets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.campaign.alphabet import PATIENCE, SHORT_WAIT_S, TOOL_PATIENCE
from tests.support.wires.command import JSONL, LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.campaign.sequence import Budget, Provider

DEFAULTS = ("cloud", "local")
"""Providers there are without a file; a sequence has those it names, and no others."""

KEEP_DAYS = 36_500
"""What the judge adds up is to be there, however far clocks jump; what is forgotten has tests of its own."""


def model_of(provider: str) -> str:
    """The one model of a provider."""
    return f"{provider}-model:4b"


def key_variable(provider: str) -> str:
    """The variable that holds a provider's key."""
    return f"KEY_OF_{provider.upper().replace('-', '_')}"


def configuration_of(
    providers: Sequence[Provider],
    reached: Mapping[str, str | Sequence[str]],
    lanes: Iterable[tuple[str, Sequence[str]]],
    *,
    record: str,
    budgets: Sequence[Budget],
    patience: float,
) -> str:
    """The whole file.

    Args:
        providers: those of the sequence.
        reached: by name, the base URL, or the words of the command line.
        lanes: each with its providers in order; the first is the default.
        record: ``full``, ``metadata`` or ``off-record``.
        budgets: what may be spent.
        patience: how many times as long as usual a provider is waited for.
    """
    lanes = list(lanes)
    names = {provider.name for provider in providers}
    lines = ["version: 1", f"default_lane: {lanes[0][0]}", "providers:"]
    lines += [f"  {name}: null" for name in DEFAULTS if name not in names]
    lines += [f"  {each.name}: {json.dumps(_settings(each, reached[each.name], patience))}" for each in providers]
    lines.append("lanes:")
    for name, targets in lanes:
        refs = [f"{target}/{model_of(target)}" for target in targets]
        lines.append(f"  {name}: {{targets: {json.dumps(refs)}}}")
    prices = {each.name: each.price for each in providers if each.price is not None}
    lines += ["models:"] if prices else []
    for name, (sent, received) in prices.items():
        price = json.dumps({"input_usd_per_mtok": sent, "output_usd_per_mtok": received})
        lines.append(f'  "{name}/{model_of(name)}": {{price: {price}}}')
    lines += ["budgets:"] if budgets else []
    lines += [f"  - {json.dumps(budget.settings)}" for budget in budgets]
    lines.append(f"privacy: {{record: {record}}}")
    lines.append(f"telemetry: {{retention_days: {KEEP_DAYS}}}")
    return "\n".join(lines) + "\n"


def _settings(provider: Provider, reached: str | Sequence[str], patience: float) -> dict[str, Any]:
    usual = PATIENCE if isinstance(reached, str) else TOOL_PATIENCE
    told: dict[str, Any] = {
        "kind": provider.wire,
        "retry": {"attempts": provider.attempts, "delay_s": provider.delay_s, "short_wait_s": SHORT_WAIT_S},
        "cooldown_s": provider.cooldown_s,
        "timeouts": {name: seconds * patience for name, seconds in usual.items()},
    }
    if provider.price is not None:
        told["billing"] = "metered"
    key = f"${{{key_variable(provider.name)}}}"
    if isinstance(reached, str):
        return {**told, "base_url": reached, **({"api_key": key} if provider.key else {})}
    known = {"env": {"TOOL_API_KEY": key}} if provider.key else {}
    return {**told, "command": list(reached), "output": JSONL, "limits": LIMITS, **known}
