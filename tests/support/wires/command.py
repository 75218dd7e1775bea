"""Kind ``command``: its scenes as a wire of the contract suite, over real child processes (docs/policy.md, 3.7)."""

from __future__ import annotations

import contextlib
import json
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmdesk.core.errors import ErrorKind
from llmdesk.providers import make_provider
from llmdesk.providers.base import Caps, Endpoint, Timeouts
from tests.support.scenes import Scene
from tests.support.tool_play import HOLD, Play
from tests.support.wire import CANARY, Set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

    from tests.support.tool_play import Step

LIMITS = {"quota": ["usage limit"], "rate": ["too many requests"], "auth": ["not logged in"]}
JSONL = {
    "jsonl": "$.delta",
    "usage": {"input_tokens": "$.usage.in", "output_tokens": "$.usage.out"},
    "error": "$.error",
}
USAGE = json.dumps({"usage": {"in": 12, "out": 5}})


def out(value: object) -> Step:
    """A step that prints one JSON document on a line of its own."""
    return {"out": json.dumps(value) + "\n"}


@dataclass(frozen=True, kw_only=True)
class ToolScene(Scene):
    """A scene of a program: its steps and settings."""

    steps: tuple[Step, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] | None = None
    caps: Caps = field(default_factory=Caps)


NOISE = f"Authorization: Bearer {CANARY}\n"
SERVER, TRUNCATED, CONFIG = ErrorKind.SERVER, ErrorKind.TRUNCATED, ErrorKind.CONFIG

SCENES: tuple[Scene, ...] = (
    ToolScene(row="T0.text", kind=None, text="Hello.", steps=({"out": "Hello.\n"},)),
    ToolScene(row="T0.json", kind=None, text="Hello.", steps=(out({"r": "Hello."}),),
              options={"output": {"json": "$.r"}}),
    ToolScene(row="T0.jsonl", kind=None, text="Hello.", options={"output": {"jsonl": "$.d"}},
              steps=(out({"d": "Hel"}), out({"other": 1}), out({"d": "lo."}))),
    ToolScene(row="T1.a", kind=CONFIG, command=("no-such-program-here",), options={"install": "apt install it"},
              says=("no-such-program-here", "Install it: apt")),
    ToolScene(row="T1.b", kind=CONFIG, command=("/",), says=("/ cannot be run",)),
    ToolScene(row="T1.c", kind=CONFIG, command=("/no/such/program",), says=("is not there",)),
    ToolScene(row="T2", kind=SERVER, steps=({"err": NOISE + "it broke\n"}, {"exit": 3}),
              says=("exit code 3", "it broke")),
    ToolScene(row="T2.text", kind=SERVER, steps=({"out": "Half an ans"}, {"exit": 1}), says=("exit code 1",)),
    ToolScene(row="T3", kind=SERVER, steps=({"out": "Half"}, {"kill": "SIGKILL"}), says=("killed by SIGKILL",)),
    ToolScene(row="T4.first", kind=ErrorKind.SILENT, steps=(HOLD,), timeouts={"first_token_s": 0.4}),
    ToolScene(row="T4.idle", kind=ErrorKind.SILENT, steps=({"out": "Hel"}, HOLD), timeouts={"idle_s": 0.4}),
    ToolScene(row="T6.cap", kind=TRUNCATED, steps=({"flood": "x"},), caps=Caps(answer=1 << 20), says=("1 MiB",)),
    ToolScene(row="T6.line", kind=TRUNCATED, steps=({"flood": "x"},), options={"output": {"jsonl": "$.d"}},
              caps=Caps(line=1 << 20)),
    ToolScene(row="T6.long", kind=None, text="x" * 200_000, steps=({"out": "x" * 200_000},)),
    ToolScene(row="T7", kind=None, text="done",
              steps=({"out": "10%\r"}, {"out": "\x1b[32m99%\r"}, {"out": "done\x1b[0m\n"})),
    ToolScene(row="T8", kind=None, text="a\ufffdb\u00e9", steps=({"hex": "61ff62c3"}, {"hex": "a9"})),
    ToolScene(row="T12.a", kind=TRUNCATED, says=("without an answer",)),
    ToolScene(row="T12.b", kind=TRUNCATED, steps=({"err": "the answer, on stderr\n"},)),
    ToolScene(row="T12.c", kind=TRUNCATED, steps=({"out": " \n\n"},)),
    ToolScene(row="T12.no json", kind=TRUNCATED, steps=({"out": "Hello.\n"},), options={"output": {"json": "$.result"}},
              says=("printed no JSON", "Check providers.")),
    ToolScene(row="T12.no json line", kind=TRUNCATED, steps=({"out": "Hello.\n"},), options={"output": JSONL},
              says=("printed no JSON", "Check providers.")),
    ToolScene(row="T12.elsewhere", kind=TRUNCATED, steps=(out({"answer": "Hello"}),),
              options={"output": {"json": "$.result"}}, says=("nothing at $.result", "Check providers.")),
    ToolScene(row="T12.elsewhere in lines", kind=TRUNCATED, steps=(out({"text": "Hello"}),), options={"output": JSONL},
              says=("nothing at $.delta", "Check providers.")),
    ToolScene(row="T12.empty value", kind=TRUNCATED, steps=(out({"result": ""}),),
              options={"output": {"json": "$.result"}}, says=("without an answer",)),
    ToolScene(row="quota", kind=ErrorKind.QUOTA, hint_s=8040.0, says=("You've hit your usage limit",),
              steps=({"err": "You've hit your usage limit. Try again in 2 hours 14 minutes.\n"}, {"exit": 1})),
    ToolScene(row="rate", kind=ErrorKind.RATE, hint_s=34.0,
              steps=({"out": "Too Many Requests, retry in 34s"}, {"exit": 1})),
    ToolScene(row="auth", kind=ErrorKind.AUTH, steps=({"err": NOISE + "Not logged in.\n"}, {"exit": 1})),
    ToolScene(row="quota.exit 0", kind=ErrorKind.QUOTA, steps=({"err": "usage limit\n"},)),
    ToolScene(row="error.exit 0", kind=SERVER, says=("no more",), options={"output": JSONL},
              steps=(out({"delta": "Hel"}), out({"error": "no more " + CANARY}))),
    ToolScene(row="damaged", kind=TRUNCATED, steps=({"out": '{"r": "Hel'},), options={"output": {"json": "$.r"}}),
    ToolScene(row="damaged.line", kind=TRUNCATED, options={"output": JSONL},
              steps=(out({"delta": "Hel"}), {"out": '{"delta": "lo'})),
    ToolScene(row="no value", kind=CONFIG, says=("{max_tokens}",), options={"stdin": "{max_tokens}"}),
)  # fmt: skip


class CommandWire:
    """The wire of kind ``command``; ``CANARY`` is in the program's environment, and some print it."""

    kind = "command"
    model = "m"
    scenes = SCENES
    happy: Scene = ToolScene(
        row="happy", kind=None, text="Hello.", options={"output": JSONL},
        steps=(out({"delta": "Hel"}), out({"delta": "lo."}), {"out": USAGE}),
    )  # fmt: skip
    endless: Scene = ToolScene(row="endless", kind=None, steps=({"out": "Hello. " * 20}, {"child": ""}, HOLD))
    usage = (12, 5)

    @contextlib.contextmanager
    def set(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
        """Write the script down, and make the adapter."""
        assert isinstance(scene, ToolScene)
        from llmdesk.core.text import redact

        redact.learn(CANARY)
        with tempfile.TemporaryDirectory() as folder:
            play = Play(folder=Path(folder))
            play.script(*scene.steps)
            options = {
                "command": list(scene.command) if scene.command else play.words(),
                "stdin": "{prompt}",
                "env": {**play.env, "TOOL_API_KEY": CANARY},
                "limits": LIMITS,
                **scene.options,
            }
            timeouts = replace(Timeouts(first_token_s=20.0, idle_s=20.0), **scene.timeouts)
            endpoint = Endpoint(name="there", base_url="", timeouts=timeouts, caps=scene.caps, options=options)
            yield Set(
                provider=make_provider("command", endpoint),
                asked=lambda: len(play.seen()),
                left=play.nothing_runs,
            )


WIRE = CommandWire()
