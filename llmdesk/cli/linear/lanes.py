"""Where prompts go: lane, model, parameters, reasoning, and the files that go along."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.cli.linear.files import file_of
from llmdesk.core.errors import UsageError
from llmdesk.core.param_pairs import parse_params
from llmdesk.core.types import PARAM_NAMES, ModelRef, Params
from llmdesk.core.views import Ask

if TYPE_CHECKING:
    from llmdesk.cli.linear.conversation import Linear

_DEFAULT = "default"


async def lane(linear: Linear, name: str) -> None:
    """Go to another lane."""
    if not name:
        names = ", ".join(view.name for view in linear.desk.lanes())
        linear.out.say(f"lanes: {names}; this is {linear.lane}")
        return
    linear.lane = linear.known_lane(name)
    linear.out.say(f"lane: {linear.lane}")


async def model(linear: Linear, name: str) -> None:
    """Ask one model in this lane, or its own targets again."""
    talk = linear.talk
    if name == _DEFAULT:
        talk.model = None
    elif name:
        talk.model = ModelRef.parse(name)
    if talk.model is not None:
        linear.out.say(f"model: {talk.model}; /model default takes it back")
        return
    view = next(view for view in linear.desk.lanes() if view.name == linear.lane)
    told = [f"{t.target} ({t.message or t.skip})" if t.skip else str(t.target) for t in view.targets]
    linear.out.say(f"model: the lane's own targets: {', then '.join(told)}")


async def params(linear: Linear, pairs: str) -> None:
    """Set parameters of this lane."""
    talk = linear.talk
    if pairs == _DEFAULT:
        talk.params = Params()
    elif pairs:
        try:
            words = shlex.split(pairs)
        except ValueError as error:
            raise UsageError(f"/params: {error}.") from None
        talk.params = parse_params(words).over(talk.params)
    linear.out.say(f"params: {_told(talk.params) or 'as the lane says'}")


def _told(values: Params) -> str:
    named = {name: getattr(values, name) for name in PARAM_NAMES} | {f"extra.{k}": v for k, v in values.extra.items()}
    return ", ".join(f"{name}={value}" for name, value in named.items() if value is not None)


async def reasoning(linear: Linear, wanted: str) -> None:
    """Read the last reasoning out, or say how much there may be."""
    talk = linear.talk
    match wanted:
        case "show":
            for line in talk.reasoning.splitlines() or ["none came with the last answer"]:
                linear.out.say(f"reasoning: {line}")
            return
        case "":
            pass
        case "default":
            talk.params = replace(talk.params, reasoning=None)
        case _:
            talk.params = parse_params([f"reasoning={wanted}"]).over(talk.params)
    linear.out.say(f"reasoning: {talk.params.reasoning or 'as the lane says'}")


async def attach(linear: Linear, path: str) -> None:
    """Send a file, or those of a folder, along with the next prompt."""
    talk = linear.talk
    if path == "none":
        talk.attachments = ()
    elif path:
        from llmdesk.desk.folders import is_folder

        where = file_of(path)
        if is_folder(where):
            folder = linear.desk.attach_folder(where)
            talk.attachments = (*talk.attachments, *folder.files)
            linear.out.say(folder.told)
        else:
            talk.attachments = (*talk.attachments, linear.desk.attach(where))
    names = ", ".join(each.name for each in talk.attachments)
    linear.out.say(f"attached: {names or 'nothing'}")


async def tokens(linear: Linear, _argument: str) -> None:
    """Say what the next prompt would send."""
    talk = linear.talk
    plan = await linear.desk.plan(
        Ask(prompt="?", attachments=talk.attachments, lane=linear.lane, conversation=talk.conversation,
            model=talk.model, params=talk.params)
    )  # fmt: skip
    linear.out.say(f"tokens: about {plan.input_tokens} before the next prompt is counted")
