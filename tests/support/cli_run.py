"""Command lines run inside the test's own process, against a scripted desk and streams in memory."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, cast

from llmdesk.cli.session import Session
from llmdesk.cli.start import run
from tests.support.scripted_desk import AT, ScriptedDesk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmdesk.cli.face import Ending
    from llmdesk.cli.session import DeskMaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command line did."""

    ending: Ending
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


def memory(raw: bytes = b"", encoding: str = "utf-8") -> TextIO:
    return io.TextIOWrapper(io.BytesIO(raw), encoding=encoding, newline="")


def run_cli(
    argv: Sequence[str],
    desk: ScriptedDesk | None = None,
    *,
    stdin: bytes | TextIO = b"",
    env: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> Ran:
    out, err = memory(encoding=encoding), memory()
    desk = desk or ScriptedDesk()
    session = Session(
        env=env or {},
        stdin=memory(stdin) if isinstance(stdin, bytes) else stdin,
        stdout=out,
        stderr=err,
        make_desk=cast("DeskMaker", desk.maker),
        now=lambda: AT,
    )
    ending = run(argv, session)
    return Ran(ending=ending, out=_text(out, encoding), err=_text(err))


def _text(stream: TextIO, encoding: str = "utf-8") -> str:
    return cast("io.BytesIO", stream.buffer).getvalue().decode(encoding)
