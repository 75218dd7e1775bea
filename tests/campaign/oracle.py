"""The judge: holds what is left of a sequence against the invariants of docs/policy.md, section 5.

It believes neither the desk nor whoever played the sequence, but what arrived at servers, what files hold and what was
printed. It uses no line of the program: it reads the database with SQLite, the state file as JSON, and has the decision
table written down once more.

Judged here are I1, I2, I3, I3b, I4, I5, I6, I6b, I8, I9, I10, I11, I12, I15, I17, I18, I19, I20, and of I14 that
everything ends; I7 by ``same``, of two plays. Not here, as no sequence can show it: I13 (``tests/campaign/terminal``),
I16 (``tests/campaign/limits``), the times of I14 on a machine that has nothing else to do, and screens that stall
(``tests/tui``, ``tests/acceptance``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation
from tests.campaign.rules import accounts, book, canaries, contexts, cooldowns, files, outcomes, sameness, walks, words
from tests.campaign.rules.lives import Lives
from tests.campaign.rules.symbols import meaning_of

if TYPE_CHECKING:
    from tests.campaign.evidence import Evidence
    from tests.campaign.rules.meanings import Meanings


def judge(evidence: Evidence, meanings: Meanings = meaning_of) -> list[Violation]:
    """Every invariant that the evidence shows to be broken, each with what was seen.

    Args:
        evidence: what is left of a sequence, with every instance closed.
        meanings: what a symbol stands for beyond its class.
    """
    found = [*files.files(evidence), *canaries.canaries(evidence)]  # before anything of ours opens a file
    read = book.read(evidence.home / "data" / "llmdesk.db")
    lives = Lives(evidence, read)
    limits = cooldowns.Limits(lives, meanings)
    found += [
        *files.database(evidence, read),
        *canaries.without_text(read),
        *files.processes(evidence),
        *files.connections(evidence),
        *outcomes.outcomes(lives),
        *outcomes.kept(lives),
        *outcomes.ended(lives),
        *outcomes.in_order(lives),
        *outcomes.claimed_once(lives),
        *cooldowns.kept_cool(limits),
        *cooldowns.on_disk_first(limits),
        *cooldowns.ends(limits),
        *walks.histories(lives),
        *walks.walks(lives, limits, meanings),
        *accounts.accounts(lives),
        *contexts.contexts(lives),
        *words.messages(lives),
    ]
    return list(dict.fromkeys(found))


def same(one: Evidence, other: Evidence) -> list[Violation]:
    """I7: what differs between two plays of one sequence; for sequences without bad wires and asks at once."""
    return list(sameness.differences(one, other))


__all__ = ["Violation", "judge", "same"]
