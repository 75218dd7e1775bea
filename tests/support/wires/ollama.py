"""Kind ``ollama``: its scenes as a wire of the contract suite."""

from __future__ import annotations

from tests.support.fault_server import Mark, chat_answer, chat_chunk, stream
from tests.support.ollama_scenes import ANSWER, SCENES
from tests.support.scenes import Scene
from tests.support.wire import HttpWire

WIRE = HttpWire(
    kind="ollama",
    model="gemma3:4b",
    path="/api/chat",
    scenes=SCENES,
    happy=Scene(row="happy", kind=None, play=chat_answer(ANSWER), text=ANSWER),
    endless=Scene(row="endless", kind=None, play=stream([chat_chunk("Hello ")], end=Mark.HOLD)),
    key=None,  # with one it is a cloud, whose rows say other remedies
)
