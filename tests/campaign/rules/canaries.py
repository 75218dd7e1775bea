"""Keys, and prompts that are not to be recorded, looked for in everything that is left (I11)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.rules.files import program_files
from tests.support.word_search import parts, spellings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.evidence import Evidence
    from tests.campaign.rules.book import Book

KEY = "key "
"""How the names of keys begin; behind it stands the provider that may see it."""


def canaries(evidence: Evidence) -> Iterator[Violation]:
    """I11: no canary in any file, output, or request to anybody but its own provider."""
    if not evidence.canaries:
        return
    sought = {name: _pattern(text) for name, text in evidence.canaries.items()}
    for name, pattern in sought.items():
        for where, content in _places(evidence, name):
            if pattern.search(content):
                yield Violation(rule="I11", words=f"the {name} stands in {where}")


def without_text(book: Book) -> Iterator[Violation]:
    """I11, where numbers alone are recorded: a request that has ended has left no word that was said."""
    for row in book.requests.values():
        if row.record_text or row.status == "paused":
            continue
        kept = {"its prompt": row.prompt, "its answer": row.answer, "what it asked": row.payload}
        attempts = book.attempts.get(row.id, ())
        kept |= {"a discarded text": "".join(each.discarded_text + each.details for each in attempts)}
        for name in (name for name, text in kept.items() if text):
            yield Violation(rule="I11", words=f"request {row.id} is recorded without text, and {name} stands there")


def _pattern(text: str) -> re.Pattern[bytes]:
    found = {spelling for part in parts(text) for spelling in spellings(part)}
    found |= {repr(part)[1:-1].encode() for part in parts(text)}
    return re.compile(b"|".join(re.escape(each) for each in sorted(found)))


def _places(evidence: Evidence, canary: str) -> Iterator[tuple[str, bytes]]:
    for path in program_files(evidence.home):
        name = str(path.relative_to(evidence.home))
        yield name, name.encode() + b"\n" + (path.read_bytes() if path.is_file() else b"")
    for asked in evidence.asked:
        yield f"stdout of ask {asked.number}", asked.out.encode(errors="replace")
        yield f"stderr of ask {asked.number}", asked.err.encode(errors="replace")
        if asked.answer is not None and canary.startswith(KEY):
            yield f"the answer to ask {asked.number}", json.dumps(asked.answer, default=str).encode()
    for served in evidence.served:
        own = canary == f"{KEY}{served.provider}"
        if not own:
            headers = "\n".join(f"{name}: {value}" for name, value in served.headers.items())
            yield f"the headers of a request to {served.provider}", headers.encode(errors="replace")
        if canary.startswith(KEY):
            yield f"a message to {served.provider}", repr(served.messages).encode(errors="replace")
    yield from ((f"the command line {each[:40]}", each.encode(errors="replace")) for each in evidence.leftovers)
