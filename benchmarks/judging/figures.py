"""Every figure of the table and what is aimed at: the one place where aims stand.

An aim compares medians of one run: a ratio to a floor or a rival, a distance from a floor, or a limit of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.judging.growth import FLAT

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTUAL_RIVALS = ("elia", "oterm", "parllama")

EMPTY = "empty Textual app"
STATIC = "plain text in Textual"
OLLAMA = "the ollama package"
HTTPX = "bare httpx"
BY_HAND = "httpx loop, same writes"
PLAIN_SQL = "plain SQLite"
LITELLM = "LiteLLM's Router"
EMPTY_DESK = "llmdesk, nothing said yet"
DUCKDB = "DuckDB"
NOTHING_ADDED = "the same, nothing added up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Ours over theirs: at most, or at least, so many times as much."""

    most: float | None = None
    least: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plus:
    """Ours minus theirs: at most so much more, in the figure's unit."""

    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Ours alone: at most so much, in the figure's unit."""

    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Ours at the largest size over ours at the smallest: at most so many times as much."""

    most: float = FLAT


Aim = Ratio | Plus | Limit | Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Whom a figure is laid beside.

    Args:
        of: who; of several the one with the least.
        aim: ``None`` = only told.
        rival: it is measured only when asked for, and may be missing.
    """

    of: tuple[str, ...]
    aim: Ratio | Plus | None = None
    rival: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure.

    Args:
        key: what samples call it.
        part: who measures it.
        label: what it is, for the table.
        unit: of its values.
        beside: whom it is laid beside, a row each.
        aim: what it has to be by itself; ``None`` = nothing.
        size: the size that is judged and shown; ``None`` = it has no sizes.
        counted: what sizes count.
        grows: how it grows with its work, where that is not measured in sizes.
    """

    key: str
    part: str
    label: str
    unit: str
    beside: tuple[Beside, ...] = ()
    aim: Limit | Level | None = None
    size: int | None = None
    counted: str = ""
    grows: str = ""


def _floor(of: str, aim: Ratio | Plus | None = None) -> Beside:
    return Beside(of=(of,), aim=aim)


def _rival(*of: str, aim: Ratio | Plus | None = None) -> Beside:
    return Beside(of=of, aim=aim, rival=True)


FIGURES = (
    # --- start ---
    Figure(
        key="first paint", part="start", label="start: first character on the screen", unit="ms",
        beside=(_floor(EMPTY), _rival(*TEXTUAL_RIVALS)), grows="see the conversation of 2,000 messages",
    ),
    Figure(
        key="ready", part="start", label="start: ready to type", unit="ms",
        beside=(
            _floor(EMPTY, Ratio(most=1.6)),
            _rival(*TEXTUAL_RIVALS, aim=Ratio(most=0.5)),
            *map(_rival, TEXTUAL_RIVALS),
        ),
        grows="see the conversation of 2,000 messages",
    ),
    Figure(
        key="start cpu", part="start", label="start: CPU until ready", unit="ms",
        beside=(_floor(EMPTY), _rival(*TEXTUAL_RIVALS)), grows="as the time",
    ),
    Figure(
        key="memory ready", part="start", label="memory when ready to type (PSS)", unit="MiB",
        beside=(_floor(EMPTY, Ratio(most=2)), _rival(*TEXTUAL_RIVALS)), grows="see what 10,000 tokens add",
    ),
    Figure(
        key="memory open", part="start", label="memory at rest, with all that an answer needs (PSS)", unit="MiB",
        beside=(_floor(EMPTY), _rival(*TEXTUAL_RIVALS)), grows="see what 10,000 tokens add",
    ),
    Figure(
        key="idle", part="start", label="CPU when idle, of a core", unit="%",
        beside=(_floor(EMPTY, Plus(most=0.2)), _rival(*TEXTUAL_RIVALS)),
        grows="not at all: a look at a few files' dates every 1.5 s",
    ),
    # --- exec ---
    Figure(
        key="exec first byte", part="exec", label="`llmdesk exec`: first byte out", unit="ms",
        beside=(_floor(OLLAMA, Ratio(most=1.5)), _floor(HTTPX), _rival("llm", aim=Ratio(most=0.5))),
        size=20, counted="tokens",
    ),
    Figure(
        key="exec end", part="exec", label="`llmdesk exec`: whole process", unit="ms",
        beside=(_floor(OLLAMA), _floor(HTTPX), _rival("llm")), size=20, counted="tokens",
    ),
    # --- selection ---
    Figure(
        key="selection first p99", part="selection", label="choosing in a lane of 10, the first is asked: p99",
        unit="ms", aim=Limit(most=0.1), size=10, counted="targets",
    ),
    Figure(
        key="selection first", part="selection", label="choosing in a lane of 10, the first is asked: median",
        unit="ms", size=10, counted="targets",
    ),
    Figure(
        key="selection p99", part="selection", label="choosing in a lane of 10, 9 passed over: p99", unit="ms",
        aim=Limit(most=0.1), size=10, counted="targets",
    ),
    Figure(
        key="selection", part="selection", label="choosing in a lane of 10, 9 passed over: median", unit="ms",
        beside=(_rival(LITELLM),), size=10, counted="targets",
    ),
    # --- chat ---
    Figure(
        key="first token first", part="chat", label="first token on the screen after the server sends it, first answer",
        unit="ms", beside=(_floor(STATIC, Plus(most=15)),), grows="not with the answer: its first frame",
    ),
    Figure(
        key="first token", part="chat",
        label="first token on the screen after the server sends it, later answers", unit="ms",
        beside=(_floor(STATIC, Plus(most=15)),), grows="not with the answer: its first frame",
    ),
    Figure(
        key="key to token first", part="chat", label="Enter to the first token, first answer", unit="ms",
        beside=(_floor(STATIC),), grows="what is sent grows with the conversation, up to the model's window",
    ),
    Figure(
        key="key to token", part="chat", label="Enter to the first token, later answers", unit="ms",
        beside=(_floor(STATIC),), grows="what is sent grows with the conversation, up to the model's window",
    ),
    Figure(
        key="rendered", part="chat", label="10,000 tokens at once, on the screen", unit="tokens/s",
        beside=(_floor(STATIC, Ratio(least=0.7)),), size=10_000, counted="tokens",
    ),
    Figure(
        key="rendered cpu", part="chat", label="CPU of 10,000 tokens at once", unit="ms",
        beside=(_floor(STATIC, Ratio(most=2)),), size=10_000, counted="tokens",
    ),
    Figure(
        key="token cpu", part="chat", label="CPU of one of them, without what every answer costs", unit="µs",
        aim=Level(), size=10_000, counted="tokens",
    ),
    Figure(
        key="bytes", part="chat", label="10,000 tokens at once: written to the terminal", unit="kB",
        beside=(_floor(STATIC),), size=10_000, counted="tokens",
    ),
    Figure(
        key="key idle", part="chat", label="a key's echo, idle: p95", unit="ms",
        beside=(_floor(STATIC),), grows="not at all",
    ),
    Figure(
        key="key fresh", part="chat", label="a key's echo at 100 tokens/s, fresh: p95", unit="ms",
        beside=(_floor(STATIC, Ratio(most=1 / 3)),), grows="see the next row",
    ),
    Figure(
        key="key long", part="chat", label="a key's echo at 100 tokens/s, after 10,000 tokens: p95", unit="ms",
        beside=(_floor(STATIC, Ratio(most=1 / 3)),), grows="beside the row above",
    ),
    Figure(
        key="cpu fresh", part="chat", label="CPU at 100 tokens/s, fresh", unit="%",
        beside=(_floor(STATIC, Ratio(most=0.8)),), grows="see the next row",
    ),
    Figure(
        key="cpu long", part="chat", label="CPU at 100 tokens/s, after 10,000 tokens", unit="%",
        beside=(_floor(STATIC, Ratio(most=0.8)),), grows="beside the row above",
    ),
    Figure(
        key="memory growth", part="chat", label="memory added by 10,000 tokens (PSS)", unit="MiB",
        beside=(_floor(STATIC),), aim=Limit(most=25), grows="the text itself; lines are kept for 100 entries",
    ),
    # --- conversation ---
    Figure(
        key="opens", part="conversation", label="a conversation of 2,000 messages, from the database to the screen",
        unit="ms", beside=(_floor(EMPTY_DESK, Ratio(most=2)),), size=2_000, counted="messages",
    ),
    Figure(
        key="long key", part="conversation", label="2,000 messages open: a key's echo, idle: p95", unit="ms",
        beside=(_floor(EMPTY_DESK, Ratio(most=FLAT)),), size=2_000, counted="messages",
    ),
    Figure(
        key="long memory", part="conversation", label="2,000 messages open: memory (PSS)", unit="MiB",
        beside=(_floor(EMPTY_DESK),), size=2_000, counted="messages",
    ),
    # --- failover ---
    Figure(
        key="failover", part="failover", label="one failed target, then the one that answers", unit="ms",
        beside=(_floor(BY_HAND, Ratio(most=2.5)), _floor(HTTPX), _rival(LITELLM)), size=1, counted="failed targets",
    ),
    Figure(
        key="failover stored", part="failover", label="the same until the answer is stored, which the loop leaves out",
        unit="ms", beside=(_floor(BY_HAND),), size=1, counted="failed targets",
    ),
    # --- client ---
    Figure(
        key="client cpu", part="client", label="CPU of a streamed token without a screen", unit="µs",
        beside=(_floor(OLLAMA, Ratio(most=1.5)), _floor(HTTPX)), size=10_000, counted="tokens",
    ),
    Figure(
        key="library cpu", part="client", label="CPU of a streamed token through `OllamaClient`", unit="µs",
        beside=(_floor(OLLAMA),), size=10_000, counted="tokens",
    ),
    # --- metrics ---
    Figure(
        key="metrics", part="metrics", label="metrics over 1,000,000 attempts: 30 days by provider and lane",
        unit="ms", beside=(_floor(PLAIN_SQL), _floor(DUCKDB)), aim=Limit(most=30), size=1_000_000, counted="attempts",
    ),
    Figure(
        key="metrics models", part="metrics", label="metrics over 1,000,000 attempts: by provider and model", unit="ms",
        aim=Limit(most=30), size=1_000_000, counted="attempts",
    ),
    Figure(
        key="metrics panel", part="metrics",
        label="metrics over 1,000,000 attempts: the panel's last hour and today", unit="ms",
        aim=Limit(most=30), size=1_000_000, counted="attempts",
    ),
    Figure(
        key="metrics booking", part="metrics", label="a request finishes, with what is added up: median", unit="ms",
        beside=(_floor(NOTHING_ADDED),), size=1_000_000, counted="attempts",
    ),
    Figure(
        key="metrics error", part="metrics", label="largest error of a percentile", unit="%",
        size=1_000_000, counted="attempts",
    ),
    # --- search ---
    *(
        Figure(
            key=f"search {kind}", part="search", label=f"search over 100,000 messages: {words}", unit="ms",
            beside=(_floor(PLAIN_SQL),), aim=Limit(most=50), size=100_000, counted="messages",
        )
        for kind, words in (
            ("rare", "a rare word"), ("common", "two words that are everywhere"),
            ("beginning", "the beginning of a word"), ("nowhere", "a word that is nowhere"),
        )
    ),
    # --- parallel ---
    Figure(
        key="parallel", part="parallel", label="ten streams at once, without a screen", unit="tokens/s",
        size=10, counted="streams",
    ),
    Figure(
        key="parallel cpu", part="parallel",
        label="ten streams at once, without a screen: CPU of a token", unit="µs", size=10, counted="streams",
    ),
    Figure(
        key="parallel desk cpu", part="parallel", label="ten lanes of the desk at 100 tokens/s each: CPU of a token",
        unit="µs", size=10, counted="streams",
    ),
    Figure(
        key="parallel desk key", part="parallel",
        label="ten lanes of the desk at 100 tokens/s each: a key's echo: p95", unit="ms",
        size=10, counted="streams",
    ),
    # --- only by name ---
    *(
        Figure(
            key=key, part="reserving", label=f"{words}, after 1,000,000 attempts", unit="ms",
            beside=(_floor(PLAIN_SQL),) * beside, size=1_000_000, counted="attempts",
        )
        for key, words, beside in (
            ("reserving", "reserving from seven budgets", 1), ("booking", "booking an attempt", 1),
            ("looking", "a look at all budgets", 0),
        )
    ),
    *(
        Figure(
            key=f"{name} {key}", part="sitting", label=f"500 answers in one sitting{where}: {words}", unit=unit,
            size=500, counted="answers",
        )
        for name, where in (("sitting", ""), ("one sitting", ", all in one conversation"))
        for key, words, unit in (
            ("memory", "memory (PSS)", "MiB"), ("time", "an answer of 300 tokens", "ms"),
            ("cpu", "CPU of an answer", "ms"), ("key", "a key's echo, p95", "ms"),
        )
    ),
    *(
        Figure(
            key=f"{key}{more}", part="transcript", label=f"the view alone: {words}{told}", unit=unit,
            beside=(_floor(STATIC),), grows="see the part chat",
        )
        for key, words in (
            ("view", "10,000 pieces"), ("view older", "10,000 pieces below 2,000 messages"),
            ("view code", "a block of code of 38 kB"),
        )
        for more, told, unit in (("", "", "pieces/s"), (" cpu", ", CPU of a piece", "µs"))
    ),
    Figure(
        key="view opens", part="transcript", label="the view alone: 2,000 messages painted", unit="ms",
        size=2_000, counted="messages",
    ),
    Figure(
        key="view home", part="transcript", label="the view alone: from their end to their beginning", unit="ms",
        size=2_000, counted="messages",
    ),
)  # fmt: skip


def figures_of(parts: Sequence[str]) -> tuple[Figure, ...]:
    """The figures of some parts, in the order of the parts."""
    return tuple(figure for part in parts for figure in FIGURES if figure.part == part)
