"""Evidence made by hand: a story told to servers, files and asker alike, so that a test can make one of them lie.

The database is a real one, written with the program's own schema and booking; everything in it can be changed behind
its back with ``sql``.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llmdesk.core.errors import ErrorKind
from llmdesk.core.money import to_usd
from llmdesk.core.types import Attempt, AttemptOutcome, Failure, ModelRef, Outcome, Status, Usage
from llmdesk.storage import request_rows
from llmdesk.storage.booking import HERE
from llmdesk.storage.records import StoredAnswer, StoredRequest
from llmdesk.storage.schema import MIGRATIONS
from tests.campaign.evidence import Asked, Clock, Evidence, Lived, Served, Target
from tests.campaign.rules.accounts import nano_usd
from tests.campaign.rules.meanings import PLAIN, Meaning

if TYPE_CHECKING:
    from pathlib import Path

WALL = 1_800_000_000.0
BOOT = 5_000.0
TICK_S = 0.01

MEANINGS = {
    "ollama/hint": Meaning(hint_s=1200.0),
    "openai/short": Meaning(hint_s=1.0),
    "openai/months": Meaning(open_ended=True),
    "ollama/once": Meaning(retries=0),
    "ollama/too long": Meaning(target_specific=True),
    "ollama/plan": Meaning(model_only=True),
}
"""Symbols that mean more than their class."""


def meaning(symbol: str) -> Meaning:
    """What a symbol of these stories means."""
    return MEANINGS.get(symbol, PLAIN)


def target(provider: str, position: int, **more: Any) -> Target:
    """A target of a lane; three tries, 600 s of rest, kind ollama, unless said otherwise."""
    fields: dict[str, Any] = {"wire": "ollama", "attempts": 3, "cooldown_s": 600.0, "model": f"{provider}-model"} | more
    return Target(provider=provider, position=position, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One attempt or skip: at whom, and what came of it."""

    provider: str
    error: str = ""
    symbol: str = ""
    skip: str = ""
    text: str = ""
    usage: tuple[int, int] | None = (10, 5)
    seen: bool = True
    after_s: float = TICK_S


def answers(provider: str = "cloud", **more: Any) -> Step:
    """A whole answer."""
    return Step(provider=provider, **more)


def fails(provider: str, error: str, symbol: str = "", **more: Any) -> Step:
    """A failed attempt."""
    return Step(provider=provider, error=error, symbol=symbol or f"ollama/{error}", **{"usage": None} | more)


def skips(provider: str, reason: str) -> Step:
    """A target that is passed over."""
    return Step(provider=provider, skip=reason, seen=False)


LANES = {
    "chat": (target("cloud", 0), target("local", 1)),
    "code": (target("open", 0, wire="openai", cooldown_s=60.0, price=(3.0, 15.0)),),
}

ENDS = {"request": Status.FAILED, "refused": Status.REFUSED}


class Hand:
    """A story in the making.

    Args:
        home: a new folder.
        record: full, metadata or off-record.
    """

    def __init__(self, home: Path, *, record: str = "full") -> None:
        self.record = record
        self.now = 100.0
        self.clock = Clock(at=0.0, wall=WALL, boot=BOOT, boot_id="boot-1")
        self.texts = 0
        self.cooldowns: dict[str, dict[str, Any]] = {}
        self.evidence = Evidence(
            seed=1,
            story=(),
            home=home,
            lanes=LANES,
            recorded=record != "off-record",
            clocks=[self.clock],
            instances=[Lived(number=0, began=99.0)],
        )
        self.home = home
        for folder in (home / "data", home / "state"):
            folder.mkdir(parents=True, mode=0o700)
        self.database = home / "data" / "llmdesk.db"
        self.database.touch(mode=0o600)
        with closing(sqlite3.connect(self.database)) as connection:
            for migration in MIGRATIONS:
                for statement in migration.statements:
                    connection.execute(statement)
            connection.commit()

    # --- time ---

    def wait(self, seconds: float = TICK_S) -> float:
        """Let time pass."""
        self.now += seconds
        return self.now

    def jump(self, wall: float, boot: float, boot_id: str = "") -> None:
        """Set the clocks further; with another boot after a reboot."""
        self.wait()
        self.clock = Clock(
            at=self.now,
            wall=self.clock.wall + wall,
            boot=self.clock.boot + boot,
            boot_id=boot_id or self.clock.boot_id,
        )
        self.evidence.clocks.append(self.clock)
        self.wait()

    @property
    def wall(self) -> float:
        """UTC epoch seconds of the story."""
        return self.now + self.clock.wall

    @property
    def boot(self) -> float:
        """Seconds since its boot."""
        return self.now + self.clock.boot

    # --- the story ---

    def ask(self, number: int, *steps: Step, lane: str = "chat", **more: Any) -> Asked:
        """Ask once, and let all sides tell of it in the same way; ``more`` are fields of ``Asked``."""
        began, prompt, request = self.wait(), f"prompt #{number}. ü\u2028x", f"r{number}"
        follows = more.get("follows")
        conversation = f"c{number}"
        if follows is not None:
            with closing(sqlite3.connect(self.database)) as connection:
                found = connection.execute("SELECT conversation FROM requests WHERE id = ?", (f"r{follows}",))
                conversation = found.fetchone()[0]
        history = self._history(conversation)
        rows: list[Attempt] = []
        answer: tuple[Step, str, Attempt] | None = None
        for count, step in enumerate(steps, 1):
            text = self._serve(step, prompt, history, lane)
            rows.append(self._row(count, step, text, lane))
            if not step.error and not step.skip:
                answer = (step, text, rows[-1])
        last = next((step for step in reversed(steps) if not step.skip), None)
        status = Status.COMPLETED if answer else ENDS.get(last.error if last else "", Status.PAUSED)
        if more.get("cut") == "cancel":
            status = Status.CANCELLED
        over = self.wait()
        failure = Failure(kind=ErrorKind(last.error if last and last.error else "rate"), message="cloud: it failed.")
        told = {
            "id": request,
            "status": status.value,
            "text": answer[1] if answer else "",
            "provider": answer[0].provider if answer else None,
            "model": f"{answer[0].provider}-model" if answer else None,
            "attempts": [
                {
                    "number": row.number,
                    "provider": row.target.provider,
                    "model": row.target.model,
                    "outcome": row.outcome.value,
                    "error_kind": row.error_kind.value if row.error_kind else None,
                }
                for row in rows
            ],
            "error": None if answer else {"kind": failure.kind.value, "message": failure.message},
        }
        fields: dict[str, Any] = {
            "number": number,
            "prompt": prompt,
            "lane": lane,
            "instance": 0,
            "at": began,
            "over": over,
            "request": request,
            "answer": told,
        }
        asked = Asked(**(fields | more))
        self.evidence.asked.append(asked)
        self._write(asked, conversation, rows, answer, None if answer else failure, status)
        self.evidence.ended = self.now
        return asked

    def _serve(self, step: Step, prompt: str, history: tuple[tuple[str, str], ...], lane: str) -> str:
        self.texts += 1
        whole = not step.error and not step.skip
        text = step.text or (f"answer {self.texts} é\r\n" if whole else "")
        if not step.seen:
            return text
        at = self.wait(step.after_s)
        self.evidence.served.append(
            Served(
                at=at,
                boot=self.boot,
                wall=self.wall,
                provider=step.provider,
                model=f"{step.provider}-model",
                prompt=prompt,
                messages=(*history, ("user", prompt)),
                symbol=step.symbol or "ollama/happy",
                error=step.error,
                text=text,
                marked=whole,
                usage=step.usage,
                state=self.state(),
                headers={},
                over=self.wait(0.001),
            )
        )
        found = next(each for each in self.evidence.lanes[lane] if each.provider == step.provider)
        self._cool(step, found)
        return text

    def _cool(self, step: Step, found: Target) -> None:
        if step.error not in ("rate", "quota"):
            return
        hint = meaning(step.symbol).hint_s
        if step.error == "rate" and found.wire != "ollama" and hint is not None and hint <= found.short_wait_s:
            return
        duration = found.cooldown_s if hint is None else max(hint, found.cooldown_s)
        self.cooldowns[step.provider] = {
            "reason": step.error,
            "message": "",
            "duration_s": duration,
            "boot_id": self.clock.boot_id,
            "set_wall": self.wall,
            "until_wall": self.wall + duration,
            "until_boot": self.boot + duration,
        }
        file = self.home / "state" / "llm_state.json"
        file.touch(mode=0o600)
        file.write_text(self.state())

    def state(self) -> str:
        """The state file as it is now."""
        until = self.cooldowns.get("cloud", {}).get("until_wall", 0)
        document = {"version": 1, "cloud_cooldown_until": until, "cooldowns": self.cooldowns}
        return json.dumps(document) if self.cooldowns else ""

    def _row(self, number: int, step: Step, text: str, lane: str) -> Attempt:
        found = next(each for each in self.evidence.lanes[lane] if each.provider == step.provider)
        ref = ModelRef(step.provider, f"{step.provider}-model")
        if step.skip:
            return Attempt(
                number=number, target=ref, outcome=AttemptOutcome.SKIPPED, at=self.wall, reason=step.skip,
                error_kind=ErrorKind.RATE, message=f"{step.provider}: rate limited, next try 14:32.",
            )  # fmt: skip
        usage: Usage | None = None
        if not step.error:
            read, written = step.usage or (7, 3)
            usage = Usage(input_tokens=read, output_tokens=written, estimated=step.usage is None)
        cost = None
        if usage is None or found.price is not None or found.wire in ("ollama", "command"):
            price = found.price or (0.0, 0.0)
            cost = to_usd(nano_usd(price, usage.input_tokens or 0, usage.output_tokens or 0) if usage else 0)
        outcome = {
            "": AttemptOutcome.COMPLETED,
            "refused": AttemptOutcome.REFUSED,
            "cancelled": AttemptOutcome.CANCELLED,
        }
        return Attempt(
            number=number, target=ref, outcome=outcome.get(step.error, AttemptOutcome.FAILED), at=self.wall,
            elapsed_s=0.01, error_kind=ErrorKind(step.error) if step.error else None, reason=step.error,
            message=f"{step.provider}: it failed." if step.error else "", usage=usage, cost_usd=cost,
            discarded_text=text if step.error else "",
        )  # fmt: skip

    def _history(self, conversation: str) -> tuple[tuple[str, str], ...]:
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute(
                "SELECT m.role, m.content FROM messages m JOIN requests r ON r.id = m.request "
                "WHERE m.conversation = ? AND r.status = 'completed' ORDER BY m.turn, m.id",
                (conversation,),
            )
            return tuple((role, content) for role, content in rows)

    def _write(
        self,
        asked: Asked,
        conversation: str,
        rows: list[Attempt],
        answer: tuple[Step, str, Attempt] | None,
        failure: Failure | None,
        status: Status,
    ) -> None:
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            stored = StoredRequest(
                id=asked.request, lane=asked.lane, prompt=asked.prompt, payload="{}", created_at=self.wall,
                conversation=conversation, title="t", record_text=self.record == "full",
            )  # fmt: skip
            request_rows.insert(connection, stored, "owner")
            outcome = Outcome(request_id=asked.request, status=status, attempts=tuple(rows), error=failure)
            kept = None
            if answer is not None:
                step, text, row = answer
                kept = StoredAnswer(
                    content=text, completeness="full", created_at=self.wall, usage=row.usage, cost_usd=row.cost_usd,
                    target=ModelRef(step.provider, f"{step.provider}-model"),
                )  # fmt: skip
                outcome = replace(outcome, target=kept.target)
            request_rows.finish(
                connection, asked.request, outcome, kept, owner="owner", now_ms=int(self.wall * 1000), calendar=HERE
            )
            connection.commit()

    # --- lies ---

    def sql(self, statement: str) -> None:
        """Change the database behind everybody's back."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute(statement)
            connection.commit()

    def serve(self, at: int, /, **fields: Any) -> None:
        """Let a server tell something else of its ``at``-th request."""
        self.evidence.served[at] = replace(self.evidence.served[at], **fields)

    def tell(self, at: int, /, **fields: Any) -> None:
        """Let the asker tell something else of the ``at``-th ask."""
        self.evidence.asked[at] = replace(self.evidence.asked[at], **fields)

    def answer(self, at: int, /, **fields: Any) -> None:
        """Let the program have printed something else for the ``at``-th ask."""
        asked = self.evidence.asked[at]
        self.evidence.asked[at] = replace(asked, answer={**(asked.answer or {}), **fields})
