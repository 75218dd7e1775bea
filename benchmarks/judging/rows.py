"""The rows of the table: medians of what was measured, laid beside each other and held to the aims."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.judging.figures import Level, Limit, Plus, Ratio
from benchmarks.judging.growth import named, per_ten
from benchmarks.judging.samples import OURS, Failure, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.judging.figures import Aim, Beside, Figure
    from benchmarks.judging.samples import Trial

HEAD = ("figure", "llmdesk", "beside", "theirs", "ratio or distance", "aim", "met", "how it grows with its work")
NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; ``met`` is ``None`` where nothing is aimed at, or the figure was taken at another size."""

    cells: tuple[str, ...]
    met: bool | None


class Measured:
    """Everything that was measured, by figure, by whom and by size."""

    def __init__(self, told: Iterable[Sample | Failure | Trial]) -> None:
        self._values: defaultdict[tuple[str, str], dict[int | None, list[float]]] = defaultdict(dict)
        self.failures: dict[str, str] = {}
        for each in told:
            if isinstance(each, Failure):
                self.failures.setdefault(each.of, each.why)
            elif isinstance(each, Sample):
                self._values[each.figure, each.of].setdefault(each.size, []).append(each.value)

    def values(self, figure: str, of: str, size: int | None) -> list[float]:
        """The rounds of one figure; who has no sizes is the same beside each. Empty = it was not measured."""
        found = self._values.get((figure, of), {})
        return found.get(size) or found.get(None, [])

    def medians(self, figure: str, of: str = OURS) -> dict[int, float]:
        """By size, smallest first."""
        found = self._values.get((figure, of), {})
        return {size: statistics.median(found[size]) for size in sorted(size for size in found if size is not None)}


def rows_of(figures: Sequence[Figure], told: Mapping[str, Sequence[Sample | Failure | Trial]]) -> list[Row]:
    """Every row of some figures.

    Args:
        figures: in the order of the table.
        told: what each part has told.
    """
    measured = {part: Measured(samples) for part, samples in told.items()}
    return [row for figure in figures for row in _rows(figure, measured[figure.part])]


def _rows(figure: Figure, measured: Measured) -> Iterable[Row]:
    sizes = measured.medians(figure.key)
    size = figure.size if figure.size is None or figure.size in sizes or not sizes else max(sizes)
    ours = measured.values(figure.key, OURS, size)
    label = figure.label if size == figure.size else f"{figure.label} ({size:,} {figure.counted} here)"
    grows = _grows(figure, sizes, size)
    if not ours:
        why = measured.failures.get(OURS) or measured.failures.get("") or "nothing was told"
        aimed = _aims(figure)
        yield Row(
            cells=(label, f"**not measured**: {why}", NONE, NONE, NONE, aimed, NONE, NONE),
            met=None if aimed == NONE else False,
        )
        return
    shown = spread(ours, figure.unit)
    middle = statistics.median(ours)
    judged = size == figure.size
    head = (label, shown)
    rows = [] if figure.aim is None else [_alone(figure.aim, head, sizes, middle, figure, judged=judged)]
    found = (_beside(beside, head, measured, figure, size, middle, judged=judged) for beside in figure.beside)
    rows += [row for row in found if row is not None]
    for number_of, row in enumerate(rows or [Row(cells=(*head, *[NONE] * 5), met=None)]):
        yield Row(cells=(*row.cells, "" if number_of else grows), met=row.met)


def _alone(
    aim: Limit | Level,
    head: tuple[str, str],
    sizes: Mapping[int, float],
    middle: float,
    figure: Figure,
    *,
    judged: bool,
) -> Row:
    """What a figure has to be by itself; without what it grows."""
    if isinstance(aim, Limit):
        met = middle <= aim.most if judged else None
        return Row(cells=(*head, NONE, NONE, NONE, words(aim, figure.unit), _met(met)), met=met)
    if len(sizes) < 2:
        return Row(cells=(*head, NONE, NONE, NONE, words(aim, figure.unit), NONE), met=None)
    least, most = min(sizes), max(sizes)
    ratio = sizes[most] / sizes[least]
    met = ratio <= aim.most if judged else None
    with_least = f"itself at {least:,} {figure.counted}"
    theirs = f"{number(sizes[least])} {figure.unit}"
    return Row(cells=(*head, with_least, theirs, f"{ratio:.2f} x", words(aim, figure.unit), _met(met)), met=met)


def _beside(
    beside: Beside,
    head: tuple[str, str],
    measured: Measured,
    figure: Figure,
    size: int | None,
    middle: float,
    *,
    judged: bool,
) -> Row | None:
    """One laid beside another, without what it grows; ``None`` = rivals that nobody asked for."""
    found = {of: values for of in beside.of if (values := measured.values(figure.key, of, size))}
    aim = words(beside.aim, figure.unit) if beside.aim is not None else NONE
    if not found:
        missing = [of for of in beside.of if of in measured.failures]
        if beside.rival and not missing:
            return None
        why = "; ".join(measured.failures[of] for of in missing) or "it was not measured"
        met = None if beside.rival or beside.aim is None else False
        return Row(cells=(*head, ", ".join(beside.of), why, NONE, aim, NONE), met=met)
    of = min(found, key=lambda name: statistics.median(found[name]))
    named_as = of if len(beside.of) == 1 else f"the least of {', '.join(beside.of)}: {of}"
    theirs = statistics.median(found[of])
    met = judge(beside.aim, middle, theirs) if beside.aim is not None and judged else None
    distance = apart(beside.aim, middle, theirs, figure.unit)
    return Row(cells=(*head, named_as, spread(found[of], figure.unit), distance, aim, _met(met)), met=met)


def judge(aim: Ratio | Plus, ours: float, theirs: float) -> bool:
    """Whether a median beside another one is what is aimed at."""
    if isinstance(aim, Plus):
        return ours - theirs <= aim.most
    return (aim.most is None or ours <= aim.most * theirs) and (aim.least is None or ours >= aim.least * theirs)


def apart(aim: Ratio | Plus | None, ours: float, theirs: float, unit: str) -> str:
    """How far two medians are apart: a distance where that is what is aimed at, else a ratio."""
    if isinstance(aim, Plus) or theirs == 0:
        return f"{ours - theirs:+.3g} {unit}"
    return f"{ours / theirs:.2f} x"


def words(aim: Aim, unit: str) -> str:
    """An aim as the table tells it."""
    match aim:
        case Ratio(most=most, least=least):
            limits = (("≤", most), ("≥", least))
            return " and ".join(f"{sign} {limit:.3g} x" for sign, limit in limits if limit is not None)
        case Plus(most=most):
            return f"≤ theirs + {number(most)} {unit}"
        case Limit(most=most):
            return f"≤ {number(most)} {unit}"
        case Level(most=most):
            return f"flat (≤ {most:.3g} x)"


def _aims(figure: Figure) -> str:
    aims = [figure.aim, *(beside.aim for beside in figure.beside if not beside.rival)]
    return "; ".join(words(aim, figure.unit) for aim in aims if aim is not None) or NONE


def _met(met: bool | None) -> str:
    return NONE if met is None else "yes" if met else "**no**"


def _grows(figure: Figure, sizes: Mapping[int, float], size: int | None) -> str:
    """The other sizes, and what they make of the growth."""
    if len(sizes) < 2:
        return figure.grows or f"measured at one size: {size:,} {figure.counted}" if size else figure.grows or NONE
    others = "; ".join(f"{at:,}: {number(value)}" for at, value in sizes.items() if at != size)
    factor = per_ten(sizes)
    said = "" if factor is None else f": {named(factor)}, {factor:.2f} x for 10 x"
    return f"{figure.counted}{said} ({others})"


def number(value: float) -> str:
    """A value with three figures, and all of them before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values: Sequence[float], unit: str) -> str:
    """The median, and from the least to the most."""
    middle = f"{number(statistics.median(values))}"
    return f"{middle} {unit}" if len(values) < 2 else f"{middle} ({number(min(values))}-{number(max(values))}) {unit}"


def markdown(rows: Iterable[Row]) -> str:
    """The rows as a table."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row.cells) + " |" for row in rows
    ]
    return "\n".join(lines)
