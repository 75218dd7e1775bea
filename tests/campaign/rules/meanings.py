"""What a symbol stands for beyond its class: hints, limits of trying, whom it concerns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a failure asks for, as docs/policy.md says it of its row.

    Args:
        hint_s: how long the server asks to wait, as it must be understood; ``None`` = not at all, or nonsense.
        open_ended: a limit whose end the row leaves to the calendar; it may be far later than any cooldown.
        retries: how often the same target may be asked again, where the row overrides its class.
        smaller_model: a smaller local model is asked next.
        target_specific: another target may take the same request.
        model_only: a refused key, or a missing model, concerns this model and not its provider.
    """

    hint_s: float | None = None
    open_ended: bool = False
    retries: int | None = None
    smaller_model: bool = False
    target_specific: bool = False
    model_only: bool = False


PLAIN = Meaning()

Meanings = Callable[[str], Meaning]
