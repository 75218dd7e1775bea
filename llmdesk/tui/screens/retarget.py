"""Whom a lane asks, and how: another model once or from now on, other parameters for as long as the desk is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import on

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.types import PARAM_NAMES, ModelRef, Params
from llmdesk.tui.screens.lanes import LanedScreen
from llmdesk.tui.widgets.header import Header
from llmdesk.tui.words import params_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmdesk.core.types import Reasoning
    from llmdesk.desk import Desk
    from llmdesk.tui.screens.target_picker import Picked

DEFAULT = "default"
REASONING = ("off", "low", "medium", "high")


class RetargetScreen(LanedScreen):
    """A screen whose lanes can ask others than their own targets."""

    def action_pick_target(self) -> None:
        """Pick the model that is asked: once, or in this lane from now on."""
        talk = self.talk

        def picked(choice: Picked) -> None:
            if choice.once:
                talk.outgoing.once = choice.model
            else:
                ask_from_now_on(self, choice.model)
            self.show_talk()

        self.pick_model(picked, current=talk.model)

    def pick_model(
        self, then: Callable[[Picked], None], *, current: ModelRef | None = None, once_only: bool = False
    ) -> None:
        """Let the user pick a model; nothing happens when none is.

        Args:
            then: told of the choice.
            current: what the lane asks now in place of its own targets.
            once_only: it is for one request anyway.
        """
        from llmdesk.tui.screens.target_picker import TargetPicker

        async def ask() -> None:
            desk = await self.desk()
            lane = self.talk.lane or desk.default_lane
            targets = next((view.targets for view in desk.lanes() if view.name == lane), ())
            picker = TargetPicker(targets, desk.models, lane=lane, current=current, once_only=once_only)
            await self.app.push_screen(picker, lambda choice: then(choice) if choice is not None else None)

        self.follow(ask)

    @on(Header.Pressed)
    def _target_clicked(self) -> None:
        self.action_pick_target()


def ask_from_now_on(chat: LanedScreen, model: ModelRef | None) -> None:
    """Let the lane on the screen ask this model, or (``None``) its own targets."""
    chat.talk.model = model
    chat.talk.outgoing.once = None
    if model is None:
        chat.say("The lane's own targets are asked again.")
    else:
        chat.say(f"This lane asks {model} from the next prompt on. /model default takes it back.")
    chat.show_talk()


# --- slash commands ---------------------------------------------------------------------------------------------


async def model(chat: LanedScreen, argument: str) -> None:
    """``/model``: pick one, name one, or go back to the lane's own targets."""
    if not argument:
        await chat.run_action("pick_target")
    elif argument == DEFAULT:
        ask_from_now_on(chat, None)
    else:
        ref = ModelRef.parse(argument)
        _check_provider(await chat.desk(), ref)
        ask_from_now_on(chat, ref)


def _check_provider(desk: Desk, ref: ModelRef) -> None:
    known = [status.provider for status in desk.providers()]
    if ref.provider not in known:
        shown = one_line(ref.provider, 40)
        raise UsageError(f"There is no provider '{shown}'. There are {', '.join(known)}.")


def params(chat: LanedScreen, argument: str) -> None:
    """``/params``: set some by ``NAME=VALUE``, take one back with ``NAME=default``, or all with ``default``."""
    talk = chat.talk
    if not argument:
        now = params_words(talk.params) or "as the lane says"
        chat.say(f"Parameters here: {now}. /params temperature=0 seed=7 sets some, /params default takes them back.")
        return
    if argument == DEFAULT:
        talk.params = Params()
    else:
        talk.params = changed(talk.params, argument)
    words = params_words(talk.params)
    chat.say(f"From the next prompt on in this lane: {words}." if words else "The lane's own parameters hold again.")
    chat.show_talk()


def changed(now: Params, argument: str) -> Params:
    """Lay what a user wrote over the parameters in force.

    Raises:
        UsageError: a name or a value is none.
    """
    import shlex

    from llmdesk.core.param_pairs import parse_params

    try:
        pairs = shlex.split(argument)
    except ValueError:
        raise UsageError("A quotation mark is not closed.") from None
    taken_back = {name for pair in pairs if (name := pair.removesuffix(f"={DEFAULT}")) != pair}
    for name in taken_back - set(PARAM_NAMES):
        parse_params([f"{name}="])  # says which names there are
    kept = {name: getattr(now, name) for name in PARAM_NAMES if name not in taken_back}
    written = parse_params([pair for pair in pairs if not pair.endswith(f"={DEFAULT}")])
    return written.over(Params(**kept, extra=now.extra))


def reasoning(chat: LanedScreen, argument: str) -> None:
    """``/reasoning``: how much the model may reason in this lane."""
    talk = chat.talk
    if argument in REASONING:
        talk.params = Params(reasoning=cast("Reasoning", argument)).over(talk.params)
        chat.say(f"Reasoning {argument} from the next prompt on.")
    elif argument == DEFAULT:
        talk.params = changed(talk.params, f"reasoning={DEFAULT}")
        chat.say("Reasoning as the lane says.")
    else:
        now = talk.params.reasoning or "as the lane says"
        chat.say(f"Reasoning is {now}. /reasoning off, low, medium, high or default changes it.")
    chat.show_talk()
