"""What a look around found."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from llmdesk.core.types import ModelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model of one provider, as a list shows it."""

    provider: str
    model: ModelInfo


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of ``doctor``: what was looked at, what was found, and the remedy (empty when all is well)."""

    topic: str
    level: Level
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a first look around found: the lines of the first-run card."""

    findings: tuple[Finding, ...]
    can_answer: bool
