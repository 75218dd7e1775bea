"""``python -m tests.campaign sequences``: random fault sequences against the real program, judged from outside."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

from tests.campaign.generate import generate
from tests.campaign.report import Tally, lines, symbol_lines
from tests.campaign.run import smallest, verdicts_of
from tests.campaign.stage import played, room
from tests.campaign.story import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence as Words
    from pathlib import Path

    from tests.campaign.evidence import Evidence
    from tests.campaign.stage import Verdict

SHRINK_S = 45.0


def main(argv: Words[str]) -> int:
    """Play sequences; 1 = something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign sequences", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="how many sequences")
    parser.add_argument("--seed", type=int, default=None, help="the first seed; without it a fresh one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--minutes", type=float, default=None, help="begin no sequence after so long")
    parser.add_argument("--no-shrink", action="store_true", help="leave what broke as it is")
    parser.add_argument("--symbols", action="store_true", help="tell how often each symbol was met")
    parser.add_argument("--verbose", action="store_true", help="play one seed, and tell everything")
    options = parser.parse_args(argv)
    first = options.seed if options.seed is not None else int(time.time()) * 1_000
    if options.verbose:
        return _tell_one(first)
    began = time.monotonic()
    tally = Tally(first=first)
    until = None if options.minutes is None else began + options.minutes * 60
    for verdict in _until_told_to_stop(verdicts_of(first, options.count, jobs=options.jobs, until=until)):
        tally.add(verdict)
        if not verdict.well:
            for violation in verdict.violations:
                _say(f"seed {verdict.seed}: {violation.rule}: {violation.words}")
            for note in verdict.notes:
                _say(f"seed {verdict.seed}: campaign: {note}")
        if tally.played % 500 == 0:
            _say(f"... {tally.played} played, {tally.played / (time.monotonic() - began) * 60:.0f} a minute")
    seconds = time.monotonic() - began
    stories = {} if options.no_shrink else _shrunk(tally)
    for line in lines(tally, seconds=seconds, jobs=options.jobs, stories=stories):
        _say(line)
    if options.symbols:
        for line in symbol_lines(tally.symbols):
            _say(line)
    return 0 if tally.well else 1


def _until_told_to_stop(verdicts: Iterator[Verdict]) -> Iterator[Verdict]:
    """Whoever ends a campaign early sees what it came to."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield from verdicts
    except KeyboardInterrupt:
        _say("stopped")
    finally:
        signal.signal(signal.SIGTERM, before)


def _shrunk(tally: Tally) -> dict[str, tuple[str, ...]]:
    """For each broken rule the smallest sequence that is found in time."""
    stories = {}
    with room() as root:
        for rule, found in sorted(tally.broken.items()):
            if rule != "campaign":
                _say(f"shrinking seed {found[0][0]}, which breaks {rule} ...")
                sequence = generate(found[0][0])
                stories[rule] = asyncio.run(smallest(sequence, rule, root, limit_s=SHRINK_S))
    return stories


def _tell_one(seed: int) -> int:
    sequence = generate(seed)
    for line in describe(sequence):
        _say(line)
    with room() as root:
        evidence, verdict = asyncio.run(played(sequence, root / "one"))
        _tell_evidence(evidence, root)
    for violation in verdict.violations:
        _say(f"BROKEN {violation.rule}: {violation.words}")
    for note in verdict.notes:
        _say(f"campaign: {note}")
    _say(f"{verdict.seconds:.1f} s; {'well' if verdict.well else 'NOT WELL'}")
    return 0 if verdict.well else 1


def _tell_evidence(evidence: Evidence, root: Path) -> None:
    events: list[tuple[float, str]] = []
    for served in evidence.served:
        over = "open" if served.over is None else f"{served.over - served.at:.3f} s"
        how = f"{over}{', client left' if served.left else ''}, marked {served.marked}, tokens {served.usage}"
        events.append(
            (
                served.at,
                f"served  {served.provider} {served.symbol} ({served.error}) to {served.prompt[:12]!r}, {how}",
            )
        )
    for asked in evidence.asked:
        where = f"instance {asked.instance}{' (process)' if asked.real else ''}"
        events.append((asked.at, f"asked   #{asked.number} in {asked.lane}, {where}, request {asked.request}"))
        if asked.cut_at is not None:
            events.append((asked.cut_at, f"cut     #{asked.number}: {asked.cut}"))
        if asked.over is not None:
            events.append((asked.over, f"over    #{asked.number}: {_told_answer(asked.answer)} code {asked.code}"))
            events.extend((asked.over, f"        {line}") for line in asked.err.splitlines())
    for resumed in evidence.resumed:
        events.append((resumed.at, f"resumed {resumed.request} by {resumed.instance}, taken {resumed.taken}"))
        if resumed.over is not None:
            events.append((resumed.over, f"over    {resumed.request}: {_told_answer(resumed.answer)}"))
    events += [
        (clock.at, f"clocks  wall {clock.wall:+.0f} boot {clock.boot:+.0f} {clock.boot_id}")
        for clock in evidence.clocks
    ]
    events += [(each.at, f"wire    {each.provider}: {each.toxin or 'good'}") for each in evidence.poisons]
    for lived in evidence.instances:
        events.append((lived.began, f"opened  instance {lived.number}"))
        if lived.over is not None:
            events.append((lived.over, f"{'killed ' if lived.hard else 'closed '} instance {lived.number}"))
    for at, words in sorted(events, key=lambda event: event[0]):
        _say(f"{at - evidence.began:8.3f}  {words}")
    _say(f"home: {evidence.home.relative_to(root)}")


def _told_answer(answer: object) -> str:
    if not isinstance(answer, dict):
        return "no answer"
    tried = "; ".join(
        f"{a['number']} {a['provider']} {a['outcome']} {a['error_kind'] or ''} {a['message'][:60]}"
        for a in answer["attempts"]
    )
    return f"{answer['status']} {answer['text'][:40]!r} [{tried}]"


def _say(line: str) -> None:
    print(line, flush=True)
