"""A sequence in words: its configuration, then one line for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.sequence import Jump, Poison, Reboot, Restart, Resume, Say, Second, Together

if TYPE_CHECKING:
    from tests.campaign.sequence import Budget, Provider, Sequence, Step


def describe(sequence: Sequence) -> tuple[str, ...]:
    """Tell a sequence: its configuration, then one line for each step."""
    providers = ", ".join(_told_provider(provider) for provider in sequence.providers)
    lanes = "; ".join(f"{name}: {' > '.join(targets)}" for name, targets in sequence.lanes)
    budgets = "; ".join(_told_budget(budget) for budget in sequence.budgets)
    return (
        f"seed {sequence.seed}{', real processes' if sequence.real else ''}, record {sequence.record}",
        f"providers: {providers}",
        f"lanes: {lanes}",
        *([f"budgets: {budgets}"] if budgets else []),
        *(f"{number}. {told(step)}" for number, step in enumerate(sequence.steps, 1)),
    )


def _told_provider(provider: Provider) -> str:
    price = f" at {provider.price[0]}/{provider.price[1]}" if provider.price else ""
    return f"{provider.name} ({provider.wire}, {provider.attempts} tries, rests {provider.cooldown_s:g} s{price})"


def _told_budget(budget: Budget) -> str:
    where = f" in {budget.lane}" if budget.lane else ""
    return f"{budget.kind} {budget.scope} {budget.limit_usd} USD, then {budget.when_exhausted}{where}"


def told(step: Step) -> str:
    """One step in words."""
    match step:
        case Say():
            return f"ask {_told_say(step)}"
        case Together():
            return "ask at once " + " | ".join(_told_say(say) for say in step.says)
        case Jump():
            return f"clocks: wall {step.wall:+g} s, boot {step.boot:+g} s"
        case Reboot():
            return f"reboot, wall {step.wall:+g} s"
        case Restart():
            return "crash and start" if step.hard else "restart"
        case Second():
            return "a second instance beside it" if step.on else "one instance again"
        case Poison():
            return f"the wire of {step.provider}: {step.toxin or 'good again'}"
        case Resume():
            cut = f", {step.cut} after {step.after_s:g} s" if step.cut else ""
            return f"resume all{' in spite of cooldowns' if step.probe else ''}{cut}"


def _told_say(say: Say) -> str:
    meets = ", ".join(f"{name} {' then '.join(symbols)}" for name, symbols in say.meets)
    return (
        f"#{say.number} in {say.lane}"
        + (" (goes on)" if say.follows else "")
        + (f", meets {meets}" if meets else "")
        + (f", {say.cut} after {say.after_s:g} s" if say.cut else "")
    )
