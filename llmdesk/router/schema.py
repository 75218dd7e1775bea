"""A lane's schema on its way through a target: sent where the wire takes it, told in words elsewhere, checked here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from llmdesk.core.errors import SchemaNotMet
from llmdesk.core.model_names import is_cloud_name
from llmdesk.core.text import one_line
from llmdesk.core.types import FinishReason, Message, Role

if TYPE_CHECKING:
    from llmdesk.core.policy import ProviderRules
    from llmdesk.core.types import Completed, Json, ModelInfo
    from llmdesk.router.route import Trip


def takes_schema(rules: ProviderRules, name: str, model: ModelInfo | None) -> bool:
    """Whether the schema goes over the wire; a cloud model takes none, behind a local Ollama neither (policy R9)."""
    if rules.local_models and (is_cloud_name(name) or (model is not None and model.remote)):
        return False
    return rules.native_schema


def told_in_words(messages: tuple[Message, ...], schema: Json) -> tuple[Message, ...]:
    """Add the schema to the last system message, or make one."""
    words = _words(schema)
    number = max((n for n, m in enumerate(messages) if m.role is Role.SYSTEM), default=None)
    if number is None:
        return (Message(role=Role.SYSTEM, content=words), *messages)
    system = messages[number]
    return (
        *messages[:number],
        replace(system, content=f"{system.content}\n\n{words}"),
        *messages[number + 1 :],
    )


def _words(schema: Json) -> str:
    text = json.dumps(schema, default=_plain, ensure_ascii=False, separators=(",", ":"))
    return f"Answer with one JSON value that meets this JSON Schema. Write nothing before or after it.\n{text}"


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


async def meet_schema(trip: Trip, completed: Completed) -> None:
    """Check a whole answer against the lane's schema, and keep what it decodes to.

    Raises:
        SchemaNotMet: with every violation.
    """
    lane, walk = trip.route.lane, trip.walk
    if lane.schema is None or trip.route.endpoint == "embed":
        return
    violations: tuple[str, ...] = ("the answer was cut by its length limit",)
    if completed.finish_reason is not FinishReason.LENGTH:
        walk.data, violations = await trip.check(walk.text.whole(), lane.schema)
    if violations:
        walk.data = None
        name = lane.schema_name or "the schema"
        raise SchemaNotMet(
            one_line(f"{lane.name}: the answer does not match {name}: {violations[0]}"), details="\n".join(violations)
        )
