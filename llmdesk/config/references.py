"""Names that must exist: providers in model refs, lanes in lanes, agents, budgets; and circles of lanes (policy F3).

Works on plain values, so that a file with other faults has these found too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmdesk.config.draft import nearest
from llmdesk.core.errors import UsageError
from llmdesk.core.types import ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmdesk.config.draft import Draft
    from llmdesk.config.yaml_tree import Path

LANE_PREFIX = "lane:"


def check_references(draft: Draft) -> None:
    """Note every name that stands for nothing."""
    lanes = _mapping(draft.data.get("lanes"))
    for name, lane in lanes.items():
        _check_refs(draft, ("lanes", name, "targets"), _mapping(lane).get("targets"), splice=True)
    _check_circles(draft, lanes)
    _check_name(draft, ("default_lane",), draft.data.get("default_lane", "chat"), "lane", lanes)
    agents = _mapping(draft.data.get("agents"))
    for name, agent in agents.items():
        _check_name(draft, ("agents", name, "lane"), _mapping(agent).get("lane"), "lane", lanes)
    for ref in _mapping(draft.data.get("models")):
        _check_ref(draft, ("models", ref), ref, key=True)
    _check_said_once(draft)
    known = {"lane": lanes, "provider": _mapping(draft.data.get("providers")), "agent": agents}
    budgets = draft.data.get("budgets")
    for number, budget in enumerate(budgets if isinstance(budgets, list) else ()):
        for what, names in known.items():
            _check_name(draft, ("budgets", number, what), _mapping(budget).get(what), what, names)
    prefer = _mapping(_mapping(draft.data.get("routing")).get("small_prompt")).get("prefer")
    _check_refs(draft, ("routing", "small_prompt", "prefer"), prefer, splice=False)
    for name, provider in known["provider"].items():
        model = _mapping(provider).get("default_model")
        if isinstance(model, str):
            _check_model(draft, ("providers", name, "default_model"), ModelRef(name, model))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _check_name(draft: Draft, path: Path, name: Any, what: str, known: Iterable[str]) -> None:
    names = list(known)
    if isinstance(name, str) and name not in names:
        draft.fault(path, f"there is no {what} '{name}'{nearest(name, names)}")


def _check_refs(draft: Draft, path: Path, refs: Any, *, splice: bool) -> None:
    for number, ref in enumerate(refs if isinstance(refs, list) else ()):
        if not isinstance(ref, str) or not ref:
            continue
        if splice and ref.startswith(LANE_PREFIX):
            name = ref.removeprefix(LANE_PREFIX)
            _check_name(draft, (*path, number), name, "lane", _mapping(draft.data.get("lanes")))
        else:
            _check_ref(draft, (*path, number), ref)


def _check_ref(draft: Draft, path: Path, text: str, *, key: bool = False) -> None:
    try:
        ref = ModelRef.parse(text)
    except UsageError as error:
        draft.fault(path, str(error).rstrip("."), key=key)
        return
    providers = _mapping(draft.data.get("providers"))
    if ref.provider not in providers:
        draft.fault(path, f"there is no provider '{ref.provider}'{nearest(ref.provider, providers)}", key=key)
    else:
        _check_model(draft, path, ref, key=key)


def _check_said_once(draft: Draft) -> None:
    """Note what is said of a model under a second name: it would go over the price that stands under the first."""
    providers, known = _mapping(draft.data.get("providers")), dict[ModelRef, str]()
    for text in _mapping(draft.data.get("models")):
        try:
            ref = ModelRef.parse(text)
        except UsageError:
            continue
        models = _mapping(_mapping(providers.get(ref.provider)).get("models"))
        meant = ModelRef(ref.provider, str(models.get(ref.model, ref.model)))
        if known.setdefault(meant, text) != text:
            draft.fault(("models", text), f"this is {meant}, of which '{known[meant]}' speaks already", key=True)


def _check_model(draft: Draft, path: Path, ref: ModelRef, *, key: bool = False) -> None:
    """A program is told only the models its ``models`` lists, where it lists any."""
    provider = _mapping(_mapping(draft.data.get("providers")).get(ref.provider))
    if provider.get("kind") != "command" or "models" not in provider:
        return
    models = _mapping(provider["models"])
    names = [*models, *(model for model in models.values() if isinstance(model, str))]
    if ref.model not in names:
        draft.fault(path, f"{ref.provider} has no model '{ref.model}'{nearest(ref.model, names)}", key=key)


def _check_circles(draft: Draft, lanes: dict[str, Any]) -> None:
    """Note each circle of lanes once, where its first lane closes it."""
    next_lanes: dict[str, list[tuple[int, str]]] = {}
    for name, lane in lanes.items():
        targets = _mapping(lane).get("targets")
        next_lanes[name] = [
            (number, target.removeprefix(LANE_PREFIX))
            for number, target in enumerate(targets if isinstance(targets, list) else ())
            if isinstance(target, str) and target.startswith(LANE_PREFIX)
        ]
    done: set[str] = set()
    for first in lanes:
        trail = [] if first in done else [first]
        todo = [iter(next_lanes[first])] if trail else []
        while trail:
            number, following = next(todo[-1], (0, ""))
            if not following:
                todo.pop()
                done.add(trail.pop())
            elif following in trail:
                circle = [*trail[trail.index(following) :], following]
                draft.fault(("lanes", trail[-1], "targets", number), f"lanes in a circle: {' -> '.join(circle)}")
            elif following in next_lanes and following not in done:
                trail.append(following)
                todo.append(iter(next_lanes[following]))
