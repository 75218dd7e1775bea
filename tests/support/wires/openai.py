"""Kind ``openai``: its scenes as a wire of the contract suite."""

from __future__ import annotations

from tests.support.openai_answers import MODEL
from tests.support.openai_scenes import ENDLESS, HAPPY, SCENES
from tests.support.wire import HttpWire

WIRE = HttpWire(
    kind="openai",
    model=MODEL,
    path="/v1/chat/completions",
    base="/v1",
    scenes=SCENES,
    happy=HAPPY,
    endless=ENDLESS,
    usage=(31, 7),
)
