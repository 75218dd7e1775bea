"""The table of what is left when something goes wrong: trials that every program was put to, and their marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.judging.samples import OURS, Failure, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.judging.samples import Sample

RIVALS = ("elia", "oterm", "parllama", "llm")

PROGRAMS = (OURS, f"{OURS} exec", *RIVALS)
"""The columns."""

NOT_WHOLE = (
    r"(?i)interrupt|incomplete|truncat|not (whole|complete)|\bcut\b|\bbroke|\berror|\blost\b|\bfail(ed|ure|s)?\b"
    r"|problem|disconnect|\bclosed\b|went wrong|ended (early|without)|unexpected"
)
"""A screen that shows one of these says that something went wrong with an answer."""

TRIALS = {
    "ended": "`kill -9` after a whole answer: prompt and answer are on disk",
    "killed prompt": "`kill -9` in the middle of an answer: the prompt is on disk",
    "killed answer": "the same: what had come of the answer is on disk",
    "another": "the first model answers 429: another one answers, with nothing done by the user",
    "cut": "the connection breaks in the middle of an answer: it is said that it is not whole",
    "cut answer": "after that, what had come of the answer is on disk",
    "unmarked": "an answer stops without the mark of its end: it is said that it is not whole",
    "refused prompt": "the server answers 500: the prompt is still in sight, in the editor or in the conversation",
    "next": "after that the next prompt is sent and answered",
}
"""What is tried, in the order of the table."""

PLAYS = {
    "ended": ("ended",),
    "killed": ("killed prompt", "killed answer"),
    "limited": ("another",),
    "cut": ("cut", "cut answer"),
    "unmarked": ("unmarked",),
    "refused": ("refused prompt", "next"),
}
"""The trials of each play."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the rounds of a trial came to: ``yes``, ``no``, or why neither; and what was seen last."""

    text: str
    said: str


def mark(trials: list[Trial], missing: str = "") -> Mark:
    """The rounds have to agree; one that could not be played is not counted against anybody."""
    if not trials:
        return Mark(text="not tried", said=missing or "nothing was told")
    told = [trial.kept for trial in trials]
    if None in told:
        return Mark(text="not tried", said=next(trial.said for trial in trials if trial.kept is None))
    if len(set(told)) > 1:
        return Mark(text=f"{told.count(True)} of {len(told)} times", said=trials[-1].said)
    return Mark(text="yes" if told[0] else "no", said=trials[-1].said)


def marks_of(told: Iterable[Sample | Failure | Trial]) -> dict[str, dict[str, Mark]]:
    """Every mark, by trial and program; programs nobody was asked for are left out."""
    found: dict[tuple[str, str], list[Trial]] = {}
    missing: dict[str, str] = {}
    for each in told:
        if isinstance(each, Trial):
            found.setdefault((each.trial, each.of), []).append(each)
        elif isinstance(each, Failure):
            missing[each.of] = each.why
    programs = [name for name in PROGRAMS if name in missing or any(of == name for _, of in found)]
    return {
        trial: {name: mark(found.get((trial, name), []), missing.get(name, "")) for name in programs}
        for trial in TRIALS
    }


def markdown(marks: dict[str, dict[str, Mark]]) -> str:
    """The marks as a table, and below it what was seen where it is not said by the mark."""
    programs = list(next(iter(marks.values())))
    lines = [f"| | {' | '.join(programs)} |", "|" + " --- |" * (len(programs) + 1)]
    for trial, by_program in marks.items():
        cells = [f"**{each.text}**" if each.text == "yes" else each.text for each in by_program.values()]
        lines.append(f"| {TRIALS[trial]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def seen(marks: dict[str, dict[str, Mark]]) -> str:
    """What was seen in each trial of each program, one line each."""
    return "\n".join(
        f"{trial}, {name}: {each.text}; {each.said}"
        for trial, by_program in marks.items()
        for name, each in by_program.items()
    )
