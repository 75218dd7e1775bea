"""What is left when something goes wrong: llmdesk and rivals killed, refused and cut off, and judged from outside.

Every program runs in a pseudo-terminal with a home of its own and asks one server on loopback, which fails on purpose.
The judges are the server's list of what it was asked, the bytes of all files below the home, the text of the screen,
and exit codes. A trial that could not be played says why, and is neither kept nor broken.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.apparatus.failing_server import BROKEN_AFTER, SPARE, Plan
from benchmarks.apparatus.stage import NotPlayedError, Stage
from benchmarks.apparatus.tried_programs import ours, theirs
from benchmarks.judging.promises import NOT_WHOLE, PLAYS, RIVALS
from benchmarks.judging.samples import Failure, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.apparatus.stage import Sitting
    from benchmarks.apparatus.told import Told
    from benchmarks.apparatus.tried_programs import Tried

Judged = dict[str, tuple[bool, str]]
"""Trial -> whether it was kept, and what was seen."""

LIMIT_S = 60.0
"""So long is waited for what has to come before anything can be judged: a request, a word of an answer."""

GRACE_S = 20.0
"""So long a program has for what is judged: to say something, to ask another model, to send the next prompt."""

QUIET_S = 10.0
"""When nothing more was asked for so long, the program has given up asking again by itself."""

ONE_SHOT = "the prompt is a word of a command, and stays in the history of the shell"

BEFORE_KILL = 30
"""So many words are sent after the first one was seen, before the program is killed: three seconds."""

AT_ONCE = 6
"""So many plays go on beside one another: most of the time of each is waiting."""


def measure(told: Told) -> Iterator[Trial | Failure]:
    """Play everything, round by round."""
    programs = ours()
    for name in RIVALS:
        found = told.rival(name)
        if isinstance(found, Failure):
            yield found
        elif found is not None:
            programs.append(theirs(name, found.parent))
    plays = [(name, tried) for _ in range(told.rounds) for tried in programs for name in PLAYS]
    stages = [
        Stage(told.folder / f"home{number}", quiet_s=QUIET_S if not told.quick else QUIET_S / 2)
        for number in range(len(plays))
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(played, *play, stage) for play, stage in zip(plays, stages, strict=True)]
        try:
            for job in jobs:
                yield from job.result()
        finally:
            for stage in stages:
                stage.stop()


def played(name: str, tried: Tried, stage: Stage) -> list[Trial]:
    """Play one play with one program; every trial in it is told, also when it could not be played."""
    judged: Mapping[str, tuple[bool | None, str]]
    try:
        with stage:
            judged = _PLAYS[name](tried, stage)
    except (NotPlayedError, OSError, subprocess.SubprocessError) as error:
        judged = {trial: (None, str(error)) for trial in PLAYS[name]}
    found = {trial: judged.get(trial, (None, ONE_SHOT)) for trial in PLAYS[name]}
    return [Trial(trial=trial, of=tried.name, kept=kept, said=said) for trial, (kept, said) in found.items()]


def _ended(tried: Tried, stage: Stage) -> Judged:
    """Killed a while after a whole answer: both have to be on disk, or the search is no judge."""
    prompt, begin, end = _words(3)
    stage.server.plan(Plan(begin=begin, end=end))
    with stage.sit(tried) as sitting:
        _answered(sitting, stage, prompt, end)
        if not sitting.one_shot:
            sitting.probe.settle(3, 6)
        sitting.ended_with(GRACE_S if sitting.one_shot else 0)
        sitting.kill()
        return {"ended": _on_disk(sitting, prompt, end)}


def _killed(tried: Tried, stage: Stage) -> Judged:
    """Killed in the middle of an answer, three seconds after its first word was seen."""
    prompt, begin = _words(2)
    stage.server.plan(Plan(begin=begin, words=None))
    with stage.sit(tried) as sitting:
        sitting.ask(prompt)
        _must(sitting.shows(begin, LIMIT_S), sitting, "the first word of the answer was not shown")
        (asked, *_) = stage.server.asked_for(prompt)
        sent = asked.sent
        _wait(lambda: asked.sent >= sent + BEFORE_KILL, LIMIT_S, sitting, "the answer did not go on")
        sitting.kill()
        return {"killed prompt": _on_disk(sitting, prompt), "killed answer": _on_disk(sitting, begin)}


def _limited(tried: Tried, stage: Stage) -> Judged:
    """The first model answers 429, the other one would answer."""
    prompt, end = _words(2)
    stage.server.plan(Plan(status=429), spare=Plan(end=end))
    with stage.sit(tried, spare=True) as sitting:
        sitting.ask(prompt)
        _wait(lambda: stage.server.asked_for(prompt), LIMIT_S, sitting, "nothing was asked")
        shown = sitting.shows(end, GRACE_S)
        models = [each.model for each in stage.server.asked_for(prompt)]
        return {"another": (shown and SPARE in models, f"asked: {_counted(models)}; {_said(sitting)}")}


def _cut(tried: Tried, stage: Stage) -> Judged:
    """The connection breaks; what had come of the answer is looked for once the program has given up."""
    with stage.sit(tried) as sitting:
        begin, judged = _broken(sitting, stage, Plan(breaks="cut"))
        _given_up(sitting, stage)
        sitting.kill()
        return {"cut": judged, "cut answer": _on_disk(sitting, begin)}


def _unmarked(tried: Tried, stage: Stage) -> Judged:
    """The answer stops in good order, but too early."""
    with stage.sit(tried) as sitting:
        return {"unmarked": _broken(sitting, stage, Plan(breaks="unmarked"))[1]}


def _broken(sitting: Sitting, stage: Stage, plan: Plan) -> tuple[str, tuple[bool, str]]:
    """How an answer begins that ends too early, and whether that is told.

    A whole answer before it shows that the words looked for do not stand there anyway.
    """
    first, end, prompt, begin = _words(4)
    stage.server.plan(Plan(end=end))
    _answered(sitting, stage, first, end)
    said_anyway = sitting.shows(NOT_WHOLE, 0) or bool(sitting.one_shot and sitting.ended_with(GRACE_S))
    _must(not said_anyway, sitting, "a whole answer is taken for a broken one")
    stage.server.plan(replace(plan, begin=begin))
    sitting.ask(prompt)
    _must(sitting.shows(begin, LIMIT_S), sitting, "the first word of the answer was not shown")
    (asked, *_) = stage.server.asked_for(prompt)
    _wait(lambda: asked.over, LIMIT_S, sitting, f"not {BROKEN_AFTER} words were sent")
    told = sitting.shows(NOT_WHOLE, GRACE_S)
    code = sitting.ended_with(GRACE_S) if sitting.one_shot else None
    return begin, (told or bool(code), _said(sitting))


def _refused(tried: Tried, stage: Stage) -> Judged:
    """500, until the program gives up; then the server is well again and the next prompt is sent."""
    prompt, following, end = _words(3)
    stage.server.plan(Plan(status=500))
    with stage.sit(tried) as sitting:
        sitting.ask(prompt)
        _wait(lambda: stage.server.asked_for(prompt), LIMIT_S, sitting, "nothing was asked")
        _given_up(sitting, stage)
        judged: Judged = {}
        if not sitting.one_shot:
            judged["refused prompt"] = sitting.shows(prompt, 0), _said(sitting)
        stage.server.plan(Plan(end=end))
        sitting.ask(following)
        answered = sitting.shows(end, GRACE_S) and bool(stage.server.asked_for(following))
        judged["next"] = answered, "" if answered else _said(sitting)
        return judged


_PLAYS: dict[str, Callable[[Tried, Stage], Judged]] = {
    "ended": _ended, "killed": _killed, "limited": _limited, "cut": _cut, "unmarked": _unmarked, "refused": _refused,
}  # fmt: skip


def _words(number: int) -> list[str]:
    """Words that are nowhere else."""
    return [f"zq{secrets.token_hex(5)}" for _ in range(number)]


def _answered(sitting: Sitting, stage: Stage, prompt: str, end: str) -> None:
    sitting.ask(prompt)
    _must(sitting.shows(end, LIMIT_S), sitting, "the end of a whole answer was not shown")
    _must(bool(stage.server.asked_for(prompt)), sitting, "nothing was asked")


def _on_disk(sitting: Sitting, *words: str) -> tuple[bool, str]:
    """Whether each of some words is in a file."""
    found = [sitting.files_with(word) for word in words]
    files = dict.fromkeys(file for files in found for file in files)
    return all(found), f"in {', '.join(files)}" if files else "in no file"


def _given_up(sitting: Sitting, stage: Stage) -> None:
    """Wait until a program asks no more by itself."""

    def quiet() -> bool:
        asked = stage.server.asked
        return all(each.over for each in asked) and time.monotonic() - asked[-1].at > stage.quiet_s

    _wait(quiet, 6 * stage.quiet_s, sitting, "it asked again and again")


def _must(held: bool, sitting: Sitting, why: str) -> None:
    if not held:
        raise NotPlayedError(f"{why}; {_said(sitting)}")


def _wait(held: Callable[[], object], seconds: float, sitting: Sitting, why: str) -> None:
    deadline = time.monotonic() + seconds
    while not held():
        _must(time.monotonic() < deadline and not sitting.stopped.is_set(), sitting, why)
        time.sleep(0.05)


def _said(sitting: Sitting) -> str:
    """What the screen says of a failure, else how it ends; and the exit code."""
    code = sitting.probe.process.poll()
    sitting.probe.draw()
    told = sitting.seen(NOT_WHOLE)
    text = f"said: {told}" if told else f"its screen: {sitting.seen()}"
    return text if code is None else f"{text}; ended with code {code}"


def _counted(models: list[str]) -> str:
    return ", ".join(f"{model} {models.count(model)} x" for model in dict.fromkeys(models))
