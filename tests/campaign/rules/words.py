"""What is told of a failure: one line with who and why and what next, and never a traceback (I20)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.rules.beside import Pair
    from tests.campaign.rules.lives import Life, Lives

LONGEST = 200
TRACE = re.compile(r"Traceback \(most recent call last\)|^\s+File \".*\", line \d+", re.MULTILINE)
NEXT_TRY = re.compile(r"next try (\d{1,2} \w{3} )?\d\d:\d\d")
NAMELESS = frozenset({"refused", "schema", "cancelled"})
"""Classes whose line speaks of the model or the user, and not of a provider."""


def messages(lives: Lives) -> Iterator[Violation]:
    """I20: every failed attempt and every request that was not answered tells why in one line."""
    for life in lives.all:
        for pair in life.pairs:
            yield from _of_attempt(lives, life, pair)
        for answer in (life.asked.answer, *(each.answer for each in life.resumed)):
            if answer is not None and answer.get("status") != "completed":
                told = (answer.get("error") or {}).get("message")
                yield from _line(f"{life.name}: its error", told)
        for name, text in (("stdout", life.asked.out), ("stderr", life.asked.err)):
            if TRACE.search(text):
                yield Violation(rule="I20", words=f"{life.name}: a traceback on {name}")
    yield from _log(lives)


def _of_attempt(lives: Lives, life: Life, pair: Pair) -> Iterator[Violation]:
    row = pair.row
    if row is None or row.outcome == "completed":
        return
    if not lives.evidence.recorded or (life.row is not None and not life.row.record_text):
        return  # without text there may be no words either
    name = f"{life.name}: attempt {row.number}"
    yield from _line(name, row.message)
    if row.error_kind not in NAMELESS and not row.skipped and not row.message.startswith(f"{row.provider}"):
        yield Violation(rule="I20", words=f"{name} does not say that it was {row.provider}: {row.message[:80]!r}")
    if row.skipped and row.reason == "cooling" and not NEXT_TRY.search(row.message):
        yield Violation(rule="I20", words=f"{name} does not say when {row.provider} is back: {row.message[:80]!r}")


def _line(name: str, text: object) -> Iterator[Violation]:
    if not isinstance(text, str) or not text.strip():
        yield Violation(rule="I20", words=f"{name} says nothing")
        return
    if len(text) > LONGEST:
        yield Violation(rule="I20", words=f"{name} has {len(text)} characters")
    if len(text.splitlines()) > 1 or any(ord(each) < 32 or 0x7F <= ord(each) < 0xA0 for each in text):
        yield Violation(rule="I20", words=f"{name} is no one line: {text[:80]!r}")
    if "Traceback" in text or re.search(r"\b[A-Z]\w+(Error|Exception)\(", text):
        yield Violation(rule="I20", words=f"{name} shows insides: {text[:80]!r}")


def _log(lives: Lives) -> Iterator[Violation]:
    """What the program itself calls unexpected is a fault of it."""
    file = lives.evidence.home / "state" / "llmdesk.log"
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            yield Violation(rule="I20", words=f"the log has a line that is no JSON: {line[:80]!r}")
            continue
        if "unexpected" in str(event.get("event", "")):
            yield Violation(rule="I20", words=f"the log tells of something unexpected: {line[:160]}")
