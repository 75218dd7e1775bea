"""Whether a target that was passed over may have been: each reason needs something that a server has said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.evidence import Served
    from tests.campaign.rules.beside import Pair
    from tests.campaign.rules.cooldowns import Limits
    from tests.campaign.rules.lives import Run
    from tests.campaign.rules.meanings import Meanings


class Reasons:
    """What servers have said that lets a target be passed over.

    Args:
        limits: the cooldowns.
        meanings: of the symbols.
    """

    def __init__(self, limits: Limits, meanings: Meanings) -> None:
        self._limits = limits
        self._lives = limits.lives
        self._meanings = meanings

    def unfounded(self, run: Run, pair: Pair) -> str | None:
        """Why a skip has no ground; ``None`` = it has one."""
        row = pair.row
        assert row is not None
        match row.reason:
            case "cooling":  # that it is over by now is a matter of I4
                founded = self._limits.ever(row.provider, run.over)
            case "attention":
                said = self._said(run, row.provider, "auth")
                founded = any(each.model == row.model or not self._of_one_model(each) for each in said)
                founded = founded or self._unseen(run, row.provider, "auth")
            case "gone":
                said = self._said(run, row.provider, "gone")
                founded = any(each.model == row.model and self._of_one_model(each) for each in said)
                founded = founded or self._unseen(run, row.provider, "gone")
            case "unfit":
                founded = any(self._too_long(each) for each in run.pairs)
            case "budget":
                founded = bool(self._lives.evidence.budgets)
            case _:
                founded = False
        return None if founded else f"{row.provider} was passed over ({row.reason}: {row.message[:80]})"

    def _said(self, run: Run, provider: str, error: str) -> list[Served]:
        """What this provider has told the instance of a run until its end."""
        return [
            served
            for served in self._lives.evidence.served
            if served.provider == provider
            and served.error == error
            and (run.over is None or served.at <= run.over)
            and self._instance_of(served) == run.instance
        ]

    def _unseen(self, run: Run, provider: str, error: str) -> bool:
        """A bad wire can make an answer into one that no server gave; then its row is all there is."""
        rows = self._lives.book.rows
        told = any(row.provider == provider and row.error_kind == error and not row.skipped for row in rows)
        return told and self._lives.poisoned(provider, self._lives.evidence.began, run.over)

    def _instance_of(self, served: Served) -> int | None:
        found = self._lives.of.get(id(served))
        return None if found is None else found[1].instance

    def _of_one_model(self, served: Served) -> bool:
        meaning = self._meanings(served.symbol)
        return not meaning.target_specific and (served.error == "gone" or meaning.model_only)

    def _too_long(self, pair: Pair) -> bool:
        served = pair.served
        return served is not None and served.error == "request" and self._meanings(served.symbol).target_specific

    # --- the other way round ---

    def asked_though_set_aside(self) -> Iterator[Violation]:
        """Whoever was set aside is not asked again by the same instance, until its user says so (policy, section 1).

        After a refused key that is the provider, or the model; a model that is gone is looked for again where models
        can be pulled.
        """
        lives = self._lives
        for served in lives.evidence.served:
            meaning = self._meanings(served.symbol)
            gone = served.error == "gone" and not meaning.target_specific and not served.symbol.startswith("ollama/")
            if not (served.error == "auth" or gone) or not lives.delivered(served):
                continue
            one_model = gone or meaning.model_only
            instance = self._instance_of(served)
            for later in lives.evidence.served:
                same = later.provider == served.provider and (not one_model or later.model == served.model)
                if not same or not lives.follows(later, served) or self._instance_of(later) != instance:
                    continue
                if self._taken_back(served, later):
                    break
                words = f"{later.provider} was asked again by the instance that it had told {served.symbol}"
                yield Violation(rule="I6", words=words)
                break

    def _taken_back(self, served: Served, later: Served) -> bool:
        """The user ordered a try whatever was found before."""
        ordered = [run for life in self._lives.all for run in life.runs if run.probe]
        return any(served.at <= run.began <= later.at for run in ordered)
