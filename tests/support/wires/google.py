"""Kind ``google``: its scenes as a wire of the contract suite."""

from __future__ import annotations

from tests.support.fault_server import Mark
from tests.support.google_answers import MODEL, PATH, answer, played
from tests.support.google_scenes import BEGUN, PIECES, SCENES, TEXT
from tests.support.scenes import Scene
from tests.support.wire import HttpWire

WIRE = HttpWire(
    kind="google",
    model=MODEL,
    path=PATH,
    scenes=SCENES,
    happy=Scene(row="happy", kind=None, play=answer(*PIECES), text=TEXT),
    endless=Scene(row="endless", kind=None, play=played(BEGUN, Mark.HOLD)),
    usage=(11, 6),
)
