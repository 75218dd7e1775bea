"""What a request is answered by: its lane, with agent, parameters, system prompt, schema and targets laid over it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import UsageError
from llmdesk.core.text import one_line
from llmdesk.core.types import ModelRef

if TYPE_CHECKING:
    from llmdesk.core.lanes import Lane
    from llmdesk.core.types import Json
    from llmdesk.core.views import Ask
    from llmdesk.desk.parts import Agent, Parts


def check(ask: Ask) -> None:
    """Refuse what could not be answered by anybody.

    Raises:
        UsageError: there is nothing to send, or the schema is none.
    """
    if ask.endpoint != "embed":
        _check_prompt(ask)
    if ask.schema is not None:
        _check_schema(ask.schema, ask.schema_name or "the schema")


def lane_for(parts: Parts, ask: Ask) -> Lane:
    """The lane as it applies to ``ask``: agent, parameters, system prompt, schema and targets laid over it.

    Raises:
        UsageError: the lane, agent, provider or model does not exist.
    """
    agent = _agent(parts, ask.agent)
    name = _choice(parts, ask, agent)[0]
    if name not in parts.lanes:
        raise UsageError(f"No lane '{name}'. There are: {', '.join(parts.lanes)}.")
    lane = parts.lanes[name]
    params = ask.params.over(agent.params.over(lane.params) if agent else lane.params)
    lane = replace(lane, params=params)
    if ask.system is not None:
        lane = replace(lane, system=ask.system)
    if ask.summarises is not None:
        lane = replace(lane, schema=None, schema_name="")  # a summary is prose, whatever the lane's answers are
    if ask.schema is not None:
        lane = replace(lane, schema=ask.schema, schema_name=ask.schema_name)
    if ask.failover is not None:
        lane = replace(lane, failover=ask.failover)
    if ask.model is not None:
        lane = replace(lane, targets=(_known(parts, ask.model),))
    if ask.targets is not None:
        lane = replace(lane, targets=ask.targets)
    return lane


def why_lane(parts: Parts, ask: Ask) -> str:
    """How the lane of ``ask`` was chosen, in words.

    Raises:
        UsageError: the agent does not exist.
    """
    return _choice(parts, ask, _agent(parts, ask.agent))[1]


def _choice(parts: Parts, ask: Ask, agent: Agent | None) -> tuple[str, str]:
    if ask.lane:
        return ask.lane, "asked for"
    if agent is not None and agent.lane:
        return agent.lane, f"lane of agent {agent.name}"
    return parts.default_lane, "default lane"


def _agent(parts: Parts, name: str | None) -> Agent | None:
    agents = parts.agents
    if name and name not in agents:
        there = f"There are: {', '.join(agents)}." if agents else "None is configured (agents: in llmdesk.yaml)."
        raise UsageError(f"No agent '{name}'. {there}")
    return agents[name] if name else None


def _known(parts: Parts, ref: ModelRef) -> ModelRef:
    facts = parts.providers.get(ref.provider)
    if facts is None:
        names = ", ".join(parts.providers)
        raise UsageError(f"No provider '{ref.provider}' in '{ref}'. There are: {names}.")
    if facts.kind == "command" and facts.aliases:  # a program is told only the models its settings list
        listed = dict.fromkeys([*facts.aliases, *facts.aliases.values()])
        if ref.model not in listed:
            raise UsageError(one_line(f"{ref.provider} has no model '{ref.model}'. It has: {', '.join(listed)}."))
    return ModelRef(ref.provider, facts.aliases.get(ref.model, ref.model))


def _check_schema(schema: Json, name: str) -> None:
    """Refuse a schema no answer could be checked against (policy H1).

    Raises:
        UsageError: with its first fault.
    """
    from llmdesk.schema_check import check_schema

    if faults := check_schema(schema):
        raise UsageError(one_line(f"{name} is not a usable JSON Schema: {faults[0]}"))


def _check_prompt(ask: Ask) -> None:
    messages = ask.messages
    if messages is not None:
        if not messages:
            raise UsageError("There is no message to send.")
        return
    if not ask.prompt.strip() and not ask.attachments:
        raise UsageError("The prompt is empty. Type one, or pipe it in.")
