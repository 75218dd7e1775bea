"""One measured value, one trial, or why there is none, as a part tells it: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

OURS = "llmdesk"
"""Whose figures are judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one figure, of one round.

    Args:
        figure: its key in ``judging.figures``.
        of: who was measured: ``llmdesk``, a floor or a rival.
        value: in the unit of the figure.
        size: how much work it was, in what the figure counts; ``None`` = it has no sizes.
    """

    figure: str
    value: float
    of: str = OURS
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a part has no values of somebody; ``of`` empty = the part itself ended early."""

    why: str
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One behaviour of one program, tried once.

    Args:
        trial: its key in ``judging.promises``.
        of: who was tried.
        kept: whether what is hoped for happened; ``None`` = it could not be tried.
        said: what was seen, or why it could not be tried.
    """

    trial: str
    of: str
    kept: bool | None
    said: str = ""


def to_line(told: Sample | Failure | Trial) -> str:
    """As a part prints it."""
    return json.dumps(asdict(told))


def from_line(line: str) -> Sample | Failure | Trial:
    """What ``to_line`` made a line of.

    Raises:
        ValueError: it is no such line.
    """
    try:
        told = json.loads(line)
        if "why" in told:
            return Failure(why=str(told["why"]), of=str(told["of"]))
        if "trial" in told:
            kept = told["kept"]
            return Trial(
                trial=str(told["trial"]), of=str(told["of"]), kept=None if kept is None else bool(kept),
                said=str(told["said"]),
            )  # fmt: skip
        size = told["size"]
        return Sample(
            figure=str(told["figure"]),
            value=float(told["value"]),
            of=str(told["of"]),
            size=None if size is None else int(size),
        )
    except (TypeError, KeyError) as error:
        raise ValueError(f"no sample: {line[:80]}") from error
