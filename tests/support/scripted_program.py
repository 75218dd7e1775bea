"""The whole program in a process of its own, with a scripted desk in place of the real one.

``python -m tests.support.scripted_program SCENARIO [ARGUMENTS]``; how requests ended is written to the file that
``SCRIPTED_ENDS`` names, one status a line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from llmdesk.cli.face import OpenDesk
from llmdesk.cli.session import Session
from llmdesk.cli.start import run
from llmdesk.core.errors import ErrorKind
from llmdesk.core.types import AttemptStarted, Finished, Status, Waiting
from llmdesk.providers.base import PullProgress
from tests.support.scripted_desk import FOREVER, LOCAL, ScriptedDesk, answer, completed, consent, ended, seam

if TYPE_CHECKING:
    from llmdesk.cli.session import DeskMaker
    from tests.support.scripted_desk import Step

HOSTILE = "\x1b[31mred\x1b]52;c;ZXZpbA==\x07 [/red] \x9b2J \u202egnp.exe \x7f é日本\r\nend"
LONG = "".join(f"line {number} of a long answer\n" for number in range(20_000))


PULL = [
    PullProgress(status="pulling manifest"),
    *(PullProgress(status="pulling abc", total=10_000_000, completed=done) for done in range(0, 10_000_001, 500_000)),
    PullProgress(status="success"),
]


def scripts(name: str) -> list[list[Step]]:
    begun: list[Step] = [AttemptStarted(number=1, target=LOCAL)]
    return {
        "hostile": [answer(HOSTILE, pieces=len(HOSTILE))],
        "seam": [seam("half an answer", "The whole answer.")],
        "hangs": [[*begun, "begun", FOREVER]],
        "long": [[*begun, *LONG.splitlines(keepends=True), Finished(outcome=completed(LONG))]],
        "two": [answer("First."), answer("Second.")],
        "consent": [consent("From the local one.")],
        "hangs-then-answers": [[*begun, "begun", FOREVER], answer("Second.")],
        "paused": [[*begun, "half", Finished(outcome=ended(Status.PAUSED, ErrorKind.TRUNCATED, "cut", text="half"))]],
        "waits": [[Waiting(until=FOREVER, reason="busy", target=LOCAL), *answer("Answered.")], answer("Second.")],
        "late": [[*begun, "early", 0.2, " late", Finished(outcome=completed("early late"))]],
    }[name]


def main() -> int:
    desk = ScriptedDesk(scripts(sys.argv[1]), progress=PULL)
    session = Session(
        env=os.environ,
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
        make_desk=cast("DeskMaker", desk.maker),
    )
    ending = run(sys.argv[2:], session)
    if ends := os.environ.get("SCRIPTED_ENDS"):
        Path(ends).write_text("".join(f"{outcome.status.value}\n" for outcome in desk.ends), encoding="utf-8")
    return 99 if isinstance(ending, OpenDesk) else ending


if __name__ == "__main__":
    sys.exit(main())
