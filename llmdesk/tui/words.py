"""Numbers, times and long texts as the screen says them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from llmdesk.core.money import shown_usd, to_nano_usd
from llmdesk.core.text import one_line
from llmdesk.core.types import PARAM_NAMES, AttemptOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmdesk.core.types import ModelRef, Outcome, Params, Usage

SOON_S = 120
"""Nearer times are told to the second: without it they would seem to be there already."""


def clock(at: float, *, seen: float | None = None) -> str:
    """Local hour and minute of ``at`` (UTC epoch seconds), with the date when it is not today.

    A time less than two minutes after ``seen``, the moment it is told of, has its seconds as well.
    """
    then, now = time.localtime(at), time.localtime(time.time())
    today = (then.tm_year, then.tm_yday) == (now.tm_year, now.tm_yday)
    hour = "%H:%M:%S" if seen is not None and at - seen < SOON_S else "%H:%M"
    return time.strftime(hour if today else f"%Y-%m-%d {hour}", then)


def countdown(left_s: float) -> str:
    """Seconds as ``8:12`` or ``1:02:03``, never below zero; a begun second counts."""
    left = max(0, -int(-left_s // 1))
    hours, rest = divmod(left, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def seconds(value_s: float) -> str:
    """A duration as ``0.4 s``, ``12 s`` or ``3:05 min``."""
    if value_s < 9.95:
        return f"{value_s:.1f} s"
    return f"{value_s:.0f} s" if value_s < 120 else f"{countdown(value_s)} min"


def latency(value_s: float) -> str:
    """How long an answer or its beginning took: ``410 ms``, ``2.1 s``, ``3:05 min``."""
    return f"{1000 * value_s:.0f} ms" if value_s < 0.9995 else seconds(value_s)


def counted(count: int, noun: str) -> str:
    """How many there are: ``1 attempt``, ``2 attempts``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def size(count: int | None) -> str:
    """Bytes as ``3.4 GB``; unknown stays unknown."""
    if count is None:
        return "?"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def rate(tokens_per_s: float) -> str:
    """A speed in tokens a second: ``41``, ``3.5``."""
    return f"{tokens_per_s:.0f}" if tokens_per_s >= 10 else f"{tokens_per_s:.1f}"


def speed(usage: Usage | None, took_s: float | None, first_token_s: float | None) -> float | None:
    """Tokens a second of an answer from its first token on; ``None`` = too short to say, or nobody counted.

    ``took_s`` is how long the attempt took that gave it: the time lost on others before makes no model slower.
    """
    if usage is None or usage.output_tokens is None or usage.output_tokens < 2:
        return None
    streaming_s = (took_s or 0.0) - (first_token_s or 0.0)
    return usage.output_tokens / streaming_s if streaming_s > 0.05 else None


def answered_in_s(outcome: Outcome) -> float:
    """How long the attempt took that gave the answer; as long as the whole request where no attempt is told."""
    done = (each.elapsed_s for each in reversed(outcome.attempts) if each.outcome is AttemptOutcome.COMPLETED)
    return next(done, outcome.latency_s)


def cost(cost_usd: str | None, *, estimated: bool = False) -> str:
    """Money as the foot of an answer says it: ``free``, ``0.0012 USD`` or ``price unknown``; ``~`` = estimated."""
    amount = to_nano_usd(cost_usd)
    if amount is None:
        return "price unknown"
    return f"{'~' if estimated else ''}{shown_usd(amount)} USD" if amount else "free"


def answer_feet(
    *,
    target: ModelRef | None,
    served_model: str = "",
    latency_s: float | None,
    first_token_s: float | None,
    usage: Usage | None,
    cost_usd: str | None,
    estimated_cost: bool = False,
    took_s: float | None = None,
) -> tuple[str, ...]:
    """Who answered, how long, how fast, how much: ``local · gemma3:27b · 1.9 s · 41 tok/s · 312 tok · free``.

    ``estimated_cost``: some of the cost is an estimate, whatever ``usage`` says of the answer itself. ``took_s`` is
    how long the attempt took that answered, ``None`` = as long as everything (``latency_s``).

    Returns:
        The whole line, and then with ever less in it, for narrow screens: without speed, tokens, cost, time.
    """
    who = [target.provider, served_model or target.model] if target is not None else []
    time_taken = seconds(latency_s) if latency_s is not None else ""
    estimated = usage is not None and usage.estimated
    price = cost(cost_usd, estimated=estimated or estimated_cost) if target is not None else ""
    pace = count = ""
    if usage is not None and usage.output_tokens is not None:
        about = "~" if estimated else ""
        found = speed(usage, latency_s if took_s is None else took_s, first_token_s)
        pace = f"{about}{found:.0f} tok/s" if found is not None else ""
        count = f"{about}{usage.output_tokens} tok"
    forms = [[time_taken, pace, count, price]]
    if pace:
        forms.append([time_taken, count, price])
    if count:
        forms.append([time_taken, price])
    if price:
        forms.append([time_taken])
    if time_taken:
        forms.append([])
    return tuple(" · ".join(filter(None, [*who, *form])) for form in forms)


def shortened(text: str, width: int) -> str:
    """Cut what does not fit into ``width`` columns, and show that it was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else "…"[: max(width, 0)]


def in_rows(parts: Sequence[str], width: int, *, indent: str = "") -> list[str]:
    """Parts side by side, in as many rows as they need."""
    rows: list[str] = []
    for part in parts:
        if rows and cell_len(f"{rows[-1]} · {part}") <= width:
            rows[-1] += f" · {part}"
        else:
            rows.append(f"{indent}{part}")
    return rows


def params_words(params: Params) -> str:
    """What is set, as the header says it: ``temperature 0 · seed 7``."""
    named = {name: value for name in PARAM_NAMES if (value := getattr(params, name)) is not None}
    told = [f"{name.replace('_', ' ')} {_value(value)}" for name, value in {**named, **params.extra}.items()]
    return " · ".join(told)


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(value) if isinstance(value, tuple) else one_line(str(value), 40)
