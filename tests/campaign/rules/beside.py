"""Rows of history beside the requests that servers saw: the two lists of one prompt, laid together in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.campaign.evidence import Evidence, Served
    from tests.campaign.rules.book import Attempt
    from tests.campaign.rules.lives import Life, Run

_NEVER = 1e6
_ALONE = 10.0
_EXCUSED = 1.0
_WRONG = 3.0
_RATHER_NOT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A row of history and the request that a server saw for it; either may be missing.

    ``bad_wire``: something may have happened on the way, so that both may tell of it differently. ``fits``: they tell
    the same, as far as they must.
    """

    row: Attempt | None
    served: Served | None
    bad_wire: bool = False
    fits: bool = True

    @property
    def recorded(self) -> str:
        """The class that history gives it; empty = complete."""
        assert self.row is not None
        return "" if self.row.outcome == "completed" else (self.row.error_kind or self.row.outcome)

    @property
    def failed_with(self) -> str:
        """The class to reckon with: as recorded, else as played; empty = complete."""
        return self.recorded if self.row is not None else (self.served.error if self.served else "")

    @property
    def skipped(self) -> bool:
        """A target that was passed over."""
        return self.row is not None and self.row.skipped

    @property
    def provider(self) -> str:
        """Whose turn it was."""
        return self.row.provider if self.row is not None else (self.served.provider if self.served else "")

    @property
    def model(self) -> str:
        """Which of its models."""
        return self.row.model if self.row is not None else (self.served.model if self.served else "")


def lay_together(evidence: Evidence, life: Life) -> list[Pair]:
    """Lay history beside the servers' log, keeping the order of both, so that as little as possible stands alone."""
    rows = [row for row in life.history if not row.skipped]
    pairs = _best(evidence, life, rows, life.served)
    skips = [row for row in life.history if row.skipped]
    return _with_skips(life, pairs, skips)


def _with_skips(life: Life, pairs: list[Pair], skips: list[Attempt]) -> list[Pair]:
    """Put the skips where their numbers say; a request without a row stands behind everything that its run wrote."""
    placed: list[tuple[float, Pair]] = []
    number = 0.0
    for pair in pairs:
        if pair.row is not None:
            number = float(pair.row.number)
        elif pair.served is not None:
            run = sum(each.began <= pair.served.at for each in life.runs)
            number = max([number, *(float(row.number) for row in skips if run_of(life, row).number <= run)]) + 0.001
        placed.append((number, pair))
    placed += [(float(row.number), Pair(row=row, served=None)) for row in skips]
    return [pair for _, pair in sorted(placed, key=lambda each: each[0])]


def _best(evidence: Evidence, life: Life, rows: list[Attempt], served: list[Served]) -> list[Pair]:
    """The cheapest way to lay both lists together; a dynamic programme over their ends."""
    cost = [[0.0] * (len(served) + 1) for _ in range(len(rows) + 1)]
    for i in range(len(rows) - 1, -1, -1):
        cost[i][len(served)] = cost[i + 1][len(served)] + _row_alone(evidence, life, rows[i])
    for j in range(len(served) - 1, -1, -1):
        cost[len(rows)][j] = cost[len(rows)][j + 1] + _served_alone(life, served[j])
    for i in range(len(rows) - 1, -1, -1):
        for j in range(len(served) - 1, -1, -1):
            cost[i][j] = min(
                cost[i + 1][j + 1] + _together(evidence, life, rows[i], served[j]),
                cost[i + 1][j] + _row_alone(evidence, life, rows[i]),
                cost[i][j + 1] + _served_alone(life, served[j]),
            )
    pairs: list[Pair] = []
    i = j = 0
    while i < len(rows) or j < len(served):
        both = i < len(rows) and j < len(served)
        together = _together(evidence, life, rows[i], served[j]) if both else _NEVER
        if both and cost[i][j] == cost[i + 1][j + 1] + together:
            bad = _bad_wire(evidence, life, rows[i], served[j])
            pairs.append(Pair(row=rows[i], served=served[j], bad_wire=bad, fits=together < _WRONG))
            i, j = i + 1, j + 1
        elif i < len(rows) and cost[i][j] == cost[i + 1][j] + _row_alone(evidence, life, rows[i]):
            bad = _bad_wire(evidence, life, rows[i], None)
            pairs.append(
                Pair(row=rows[i], served=None, bad_wire=bad, fits=_row_alone(evidence, life, rows[i]) < _ALONE)
            )
            i += 1
        else:
            alone = _served_alone(life, served[j])
            pairs.append(Pair(row=None, served=served[j], fits=alone < _ALONE))
            j += 1
    return pairs


WIRE_FAULTS = frozenset({"net", "silent", "truncated", "config"})
"""What a bad wire can make of anything."""

SLOW = {"silent": 350, "net": 900}
"""After how long a client with the campaign's short limits gives up waiting, and connecting, milliseconds."""

HEARD_S = 0.25
"""How long what a server has sent may need to be heard of, where the machine has too much to do."""


def _together(evidence: Evidence, life: Life, row: Attempt, served: Served) -> float:
    if row.provider != served.provider:
        return _NEVER
    cost = 0.0 if row.model == served.model else _WRONG
    if served.at < run_of(life, row).began:  # it was asked by a run before, which may not have lived to write it down
        cost += _RATHER_NOT
    recorded = "" if row.outcome == "completed" else (row.error_kind or row.outcome)
    if recorded == served.error:
        return cost
    if row.outcome == "cancelled" and run_of(life, row).cut:
        return cost + 0.1
    if _bad_wire(evidence, life, row, served) and (recorded in WIRE_FAULTS or recorded == _by_status(row)):
        return cost + 0.2
    if recorded in SLOW and gave_up_first(row, served):
        return cost + 0.3
    return cost + _WRONG


def _by_status(row: Attempt) -> str | None:
    """What a status says alone: a bad wire may cut off the text that says more."""
    match row.http_status:
        case 401 | 403:
            return "auth"
        case 402:
            return "quota"
        case 404:
            return "gone"
        case 429:
            return "rate"
        case int(status) if status >= 500:
            return "server"
    return None


def gave_up_first(row: Attempt, served: Served) -> bool:
    """The client's patience was over before the answer had come: this machine was too slow for its short limits."""
    if row.elapsed_ms < SLOW[row.error_kind or ""]:
        return False
    given_up = served.at + (row.at / 1000 - served.wall) + row.elapsed_ms / 1000
    return served.over is None or served.left or given_up < served.over + HEARD_S


def _row_alone(evidence: Evidence, life: Life, row: Attempt) -> float:
    if row.outcome == "cancelled" and run_of(life, row).cut:
        return _EXCUSED
    if row.error_kind in WIRE_FAULTS and _bad_wire(evidence, life, row, None):
        return _EXCUSED
    if row.error_kind in SLOW and row.elapsed_ms >= SLOW[row.error_kind]:
        return 2 * _EXCUSED
    chosen = any(target.provider == row.provider and target.model == "largest" for target in life.lane)
    return _EXCUSED if chosen and row.error_kind in {"net", "gone", "silent", "truncated", "server"} else _ALONE


def _served_alone(life: Life, served: Served) -> float:
    """A request without a row: only one that its instance did not live to write down."""
    for run in life.runs:
        if run.cut == "kill" and run.cut_at is not None and run.began <= served.at <= run.cut_at + 1.0:
            return _EXCUSED
    return _ALONE


def run_of(life: Life, row: Attempt) -> Run:
    """Which of its runs an attempt is of.

    Off the record only the numbers of attempts are kept, and none of runs: then it is the one that told of it.
    """
    if life.row is not None:
        return life.runs[min(max(row.run, 1), len(life.runs)) - 1]
    told = [life.asked.answer, *(each.answer for each in life.resumed)]
    for run, answer in zip(life.runs, told, strict=True):
        if answer is not None and row.number in [each["number"] for each in answer.get("attempts", ())]:
            return run
    return life.runs[-1]


def _bad_wire(evidence: Evidence, life: Life, row: Attempt, served: Served | None) -> bool:
    run = run_of(life, row)
    began, over = (served.at, served.over) if served is not None else (run.began, run.over)
    return poisoned(evidence, row.provider, began - 0.5, over)


def poisoned(evidence: Evidence, provider: str, began: float, over: float | None) -> bool:
    """Whether a provider's wire was bad at some time between two moments; ``over`` ``None`` = the end."""
    bad = False
    for poison in sorted(evidence.poisons, key=lambda each: each.at):
        if poison.provider != provider:
            continue
        if over is not None and poison.at > over:
            break
        if poison.at <= began:
            bad = bool(poison.toxin)
        elif poison.toxin:
            return True
    return bad
