"""What all settings models have in common: strictness, and the kinds of numbers and names they hold."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from llmdesk.config.scalars import plain_scalar


class Section(BaseModel):
    """A frozen mapping of the file: unknown keys are errors, nothing is converted, no input is quoted in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


class FromEnvironment(str):
    """Text that came out of a template as a whole, so that a number field may read it as a number."""

    __slots__ = ()


def _typed(value: Any) -> Any:
    return plain_scalar(value) if isinstance(value, FromEnvironment) else value


def _money(value: Any) -> Any:
    value = _typed(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return value


Typed = BeforeValidator(_typed)

Whole = Annotated[int, Typed]
Number = Annotated[float, Typed, Field(allow_inf_nan=False)]
Flag = Annotated[bool, Typed]
Share = Annotated[Number, Field(ge=0, le=1)]

ShortTime = Annotated[Number, Field(gt=0, le=600)]
"""Seconds, at most ten minutes: more is a mistake of unit."""

LongTime = Annotated[Number, Field(gt=0, le=86_400)]
"""Seconds, at most a day."""

Tokens = Annotated[Whole, Field(ge=1, le=1_000_000_000)]
"""A count of tokens."""

Money = Annotated[
    Decimal, BeforeValidator(_money, json_schema_input_type=float), Field(ge=0, le=1_000_000_000, allow_inf_nan=False)
]
"""US dollars, exact; at most what fits a 64-bit count of nano-dollars."""

Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(strict=False)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
"""The name of a provider, lane or agent."""
