"""What is read out of bytes that came together: one piece of text instead of many, and nothing lost to what follows.

A server that is faster than its reader sends hundreds of tokens at once, and whoever takes them in one piece has a
fraction of the work, from here to the screen. Of one that sends each by itself, each is passed on by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.errors import ProviderError
from llmdesk.core.types import ReasoningDelta, TextDelta
from llmdesk.providers.ndjson import FrameBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llmdesk.core.errors import AnswerCut
    from llmdesk.core.types import ProviderEvent

Problem = ProviderError | None


def together(
    events: Iterable[ProviderEvent], cut: Callable[[str], AnswerCut]
) -> tuple[Sequence[ProviderEvent], Problem]:
    """Take the events up to their end, or to what broke them: they are to be passed on before it is raised.

    Args:
        events: made one after the other out of what came.
        cut: says of an answer whose frames are broken that it was cut, and why.
    """
    made: list[ProviderEvent] = []
    problem: Problem = None
    try:
        made.extend(events)  # what was made before an exception stays
    except FrameBroken as broken:
        problem = cut(str(broken))
    except ProviderError as error:
        problem = error
    return joined(made), problem


def joined(events: Sequence[ProviderEvent]) -> Sequence[ProviderEvent]:
    """Join neighbours that are text, or reasoning, with the objects they came in."""
    if len(events) < 2:
        return events
    made: list[ProviderEvent] = []
    run: list[TextDelta | ReasoningDelta] = []
    for event in events:
        if run and type(event) is not type(run[0]):
            made.append(_one(run))
            run = []
        if isinstance(event, TextDelta | ReasoningDelta):
            run.append(event)
        else:
            made.append(event)
    if run:
        made.append(_one(run))
    return made


def _one(run: Sequence[TextDelta | ReasoningDelta]) -> TextDelta | ReasoningDelta:
    if len(run) == 1:
        return run[0]
    text = "".join([each.text for each in run])
    return type(run[0])(text, tuple(wire for each in run for wire in each.wires))
