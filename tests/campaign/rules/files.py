"""Files, database, processes and connections that are left behind (I9, I10, I12, I15)."""

from __future__ import annotations

import json
import math
import stat
from typing import TYPE_CHECKING, Any

from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.campaign.evidence import Evidence
    from tests.campaign.rules.book import Book

BUSY = ("database is locked", "database table is locked", "database is busy", "SQLITE_BUSY")


def files(evidence: Evidence) -> Iterator[Violation]:
    """I9: the state file parses at every moment, nothing is readable by others, no temporary file is left."""
    states = {served.state for served in evidence.served if served.state}
    file = evidence.home / "state" / "llm_state.json"
    if file.exists():
        states.add(file.read_text(encoding="utf-8", errors="replace"))
    for text in sorted(states):
        if (words := state_fault(text)) is not None:
            yield Violation(rule="I9", words=f"llm_state.json: {words}")
    for path in program_files(evidence.home):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077:
            yield Violation(rule="I9", words=f"{path.relative_to(evidence.home)} has mode {mode:o}")
        if ".tmp" in path.suffixes and not _may_be_left(evidence):
            yield Violation(rule="I9", words=f"{path.relative_to(evidence.home)} is left over")
        if ".corrupt-" in path.name:
            yield Violation(rule="I9", words=f"{path.relative_to(evidence.home)}: something was found damaged")


def program_files(home: Path) -> list[Path]:
    """Everything below a home that the program made; the configuration is its user's."""
    found = [path for path in sorted(home.rglob("*")) if path.relative_to(home).parts[0] != "config"]
    return [path for path in found if path.is_dir() or path.is_file()]


def _may_be_left(evidence: Evidence) -> bool:
    """A killed program leaves what it was writing; the next one to look removes it."""
    hard = [lived.over for lived in evidence.instances if lived.hard and lived.over is not None]
    hard += [asked.cut_at for asked in evidence.asked if asked.cut == "kill" and asked.cut_at is not None]
    last = max(hard, default=-math.inf)
    return last > -math.inf and not any(each.at > last for each in evidence.served)


def state_fault(text: str) -> str | None:
    """What is wrong with the text of a state file; ``None`` = nothing (ARCHITECTURE: its documented format)."""
    try:
        document = json.loads(text)
    except ValueError as error:
        return f"does not parse: {error}"
    if not isinstance(document, dict):
        return "is no object"
    if document.get("version") != 1:
        return f"has version {document.get('version')!r}"
    cooldowns = document.get("cooldowns")
    if not isinstance(cooldowns, dict):
        return "has no cooldowns"
    for provider, entry in cooldowns.items():
        if not isinstance(entry, dict):
            return f"{provider} is no object"
        wrong = [
            name for name in ("duration_s", "set_wall", "until_wall", "until_boot") if not _number(entry.get(name))
        ]
        if wrong:
            return f"{provider} has no number in {', '.join(wrong)}"
        if entry.get("reason") not in ("rate", "quota"):
            return f"{provider} rests because of {entry.get('reason')!r}"
    oldest = document.get("cloud_cooldown_until", 0)
    if not _number(oldest):
        return f"cloud_cooldown_until is {oldest!r}"
    if ("cloud" in cooldowns) != bool(oldest):
        return "its oldest key and its cooldowns tell different things"
    return None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def database(evidence: Evidence, book: Book) -> Iterator[Violation]:
    """I10: the database is whole, and a lock of it is nobody's problem."""
    for words in book.trouble:
        yield Violation(rule="I10", words=words)
    if evidence.recorded and not book.there and any(asked.request for asked in evidence.asked):
        yield Violation(rule="I10", words="there is no database")
    for asked in evidence.asked:
        told = f"{asked.out}\n{asked.err}\n{json.dumps(asked.answer, default=str) if asked.answer else ''}"
        yield from _busy(told, f"ask {asked.number}")
    for name in ("llmdesk.log",):
        file = evidence.home / "state" / name
        if file.exists():
            yield from _busy(file.read_text(encoding="utf-8", errors="replace"), name)


def _busy(text: str, where: str) -> Iterator[Violation]:
    for words in BUSY:
        if words in text:
            yield Violation(rule="I10", words=f"{where} says: {words}")


def processes(evidence: Evidence) -> Iterator[Violation]:
    """I15: no child process outlives its request."""
    for command in evidence.leftovers:
        yield Violation(rule="I15", words=f"still alive: {command}")


def connections(evidence: Evidence) -> Iterator[Violation]:
    """I12: nothing goes where no target is."""
    for address in evidence.foreign:
        yield Violation(rule="I12", words=f"a connection went to {address}")
