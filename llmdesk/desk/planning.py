"""What a request would meet: its messages, its route, and the whole decision without sending anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.core.budget import Account
from llmdesk.core.lanes import estimate_tokens
from llmdesk.core.prompting import user_message
from llmdesk.core.types import Message, Role
from llmdesk.core.views import Plan, TargetStatus
from llmdesk.desk.choosing import check, lane_for, why_lane
from llmdesk.desk.spending import budget_views
from llmdesk.router import Route, decide, in_order, preferred

if TYPE_CHECKING:
    from llmdesk.core.lanes import Lane
    from llmdesk.core.views import Ask
    from llmdesk.desk.parts import Parts


async def messages_of(
    parts: Parts, ask: Ask, lane: Lane, conversation: str | None, *, request_id: str | None
) -> tuple[Message, ...]:
    """Everything that could be sent, oldest first: system prompt, answered turns, the newest message.

    Args:
        parts: the desk's.
        ask: the request.
        lane: its lane.
        conversation: the one whose history goes with it; ``None`` = a new one.
        request_id: what comes after this request's own turn is left out; ``None`` = nothing is.
    """
    messages: tuple[Message, ...]
    if ask.messages is not None:
        messages = ask.messages
    else:
        history: tuple[Message, ...] = ()
        if conversation is not None:
            history = await parts.conversations.history(conversation, before_request=request_id)
        messages = (*history, user_message(ask.prompt, ask.attachments))
        if lane.system and history and history[0].role is Role.SYSTEM:  # a summary: one system message is enough
            both = f"{lane.system}\n\n{history[0].content}"
            return (Message(role=Role.SYSTEM, content=both), *messages[1:])
    if lane.system and not any(m.role is Role.SYSTEM for m in messages):
        messages = (Message(role=Role.SYSTEM, content=lane.system), *messages)
    return messages


def route_of(ask: Ask, lane: Lane, messages: tuple[Message, ...], account: Account) -> Route:
    """The request as the router walks it."""
    return Route(
        lane=lane,
        messages=messages,
        account=account,
        endpoint=ask.endpoint,
        format=ask.format,
        keep_wire=ask.keep_wire,
        tools=ask.tools,
        extra=ask.extra,
        consent=ask.consent,
        probe=ask.probe,
        pinned=ask.model is not None or ask.targets is not None,
    )


async def plan(parts: Parts, ask: Ask) -> Plan:
    """Say what sending ``ask`` would do; nothing is sent.

    Raises:
        UsageError: the prompt is empty, or something it names does not exist.
        StorageError: nobody can tell what the budgets leave.
    """
    lane = lane_for(parts, ask)
    check(ask)
    messages = await messages_of(parts, ask, lane, ask.conversation, request_id=None)
    targets = parts.router.targets
    route = route_of(ask, lane, messages, _account(ask, lane))
    refs = in_order(lane, preferred(targets, route)).targets
    budgets = await budget_views(parts, route.account, (ref.provider for ref in refs))
    for ref in refs:
        await parts.prices.ready(ref)
    return Plan(
        lane=lane.name,
        why=why_lane(parts, ask),
        agent=ask.agent,
        targets=decide(targets, route, budgets=budgets),
        input_tokens=estimate_tokens(messages),
        params=lane.params,
        system=lane.system,
        failover=lane.failover,
        resume=lane.resume,
        max_wait_s=lane.max_wait_s,
        schema_name=(lane.schema_name or "the schema") if lane.schema is not None else None,
        schema_repairs=lane.schema_repairs,
        small_prompt=targets.small_prompt,
        budgets=tuple({view.budget: view for views in budgets.values() for view in views}.values()),
    )


def _account(ask: Ask, lane: Lane) -> Account:
    """To whom it would be booked: an empty id stands for the request and the conversation that it would begin."""
    begins = ask.keep and ask.messages is None
    conversation = ask.conversation if ask.conversation is not None or not begins else ""
    return Account(request="", lane=lane.name, agent=ask.agent, job=ask.job, conversation=conversation)


def target_states(parts: Parts, lane: Lane) -> tuple[TargetStatus, ...]:
    """A lane's targets as they stand now (no network)."""
    targets = parts.router.targets
    states = []
    for ref in dict.fromkeys(lane.targets):
        skip, message = targets.skip_reason(ref)
        until = targets.cooling_until(ref.provider)
        states.append(TargetStatus(target=ref, skip=skip, message=message, cooldown_until=until))
    return tuple(states)
