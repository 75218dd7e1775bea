"""What concerns the screen: its settings, and what changed."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenSettings:
    """What the configuration says of the screen."""

    theme: str = "midnight"
    sidebar: str = "auto"
    motion: str = "full"
    images: str = "auto"
    notify: str = "off"
    keys: Mapping[str, str] = field(default_factory=dict)


class Topic(StrEnum):
    """What changed, for panels that show it.

    A request changes something twice: ``BEGUN`` when it is written down, which only its conversation shows, and
    ``REQUESTS`` when there is something to count, at the latest when it has ended.
    """

    COOLDOWNS = "cooldowns"
    OUTBOX = "outbox"
    BEGUN = "begun"
    REQUESTS = "requests"
    PROVIDERS = "providers"
    CONVERSATIONS = "conversations"
    SETTINGS = "settings"
    LOG = "log"
