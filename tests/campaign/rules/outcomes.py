"""One outcome for each request, no prompt lost, an order that holds, an end to everything (I1, I2, I14, I17, I19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.campaign.evidence import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.campaign.evidence import Served
    from tests.campaign.rules.lives import Life, Lives, Run

FINAL = frozenset({"completed", "refused", "failed", "blocked", "cancelled"})
LEGAL = FINAL | {"paused"}
WHOLE = frozenset({"full", "cut by limit", "no answer text"})
"""The marks of a stored answer that is said to be whole."""

STOP_S = 3.0
"""A stop takes 200 ms where the machine is free (proven by itself); here it shares the machine with everybody."""

EXIT_CODES = {"completed": 0, "failed": 1, "blocked": 3, "paused": 5, "refused": 6, "cancelled": 130}
"""Of a process that answered (docs/commands.md); a schema that is not met is 4."""


def outcomes(lives: Lives) -> Iterator[Violation]:
    """I1: exactly one outcome; ``completed`` once; the text is that of one response with its terminal marker."""
    for life in lives.all:
        yield from _ends_once(lives, life)
        yield from _as_it_was_cut(life)
        yield from _text(lives, life)


def _ends_once(lives: Lives, life: Life) -> Iterator[Violation]:
    row, answer = life.row, _last_answer(life)
    if row is not None and row.status not in LEGAL and not _excused_open(lives, life):
        yield Violation(rule="I1", words=f"{life.name}: still {row.status} when everything is over")
    if answer is not None:
        status = str(answer.get("status"))
        if status not in LEGAL:
            yield Violation(rule="I1", words=f"{life.name}: told to have ended as {status}")
        if row is not None and row.status in LEGAL and row.status != status:
            yield Violation(rule="I1", words=f"{life.name}: told {status}, but on disk it is {row.status}")
        if (status == "completed") != (answer.get("error") is None):
            yield Violation(rule="I1", words=f"{life.name}: {status} with error {answer.get('error')}")
        yield from _exit_code(life)
    completed = [each for each in life.history if each.outcome == "completed"]
    if len(completed) > 1:
        yield Violation(rule="I1", words=f"{life.name}: completed {len(completed)} times")
    if row is not None and (row.status == "completed") != bool(completed):
        yield Violation(rule="I1", words=f"{life.name}: {row.status} with {len(completed)} completed attempts")
    for index, run in enumerate(life.runs[:-1]):
        if any(pair.row is not None and pair.recorded == "" for pair in run.pairs):
            yield Violation(rule="I1", words=f"{life.name}: asked again after run {index + 1} had completed it")


def _as_it_was_cut(life: Life) -> Iterator[Violation]:
    """Only its user cancels a request for good; what is cut in any other way waits in the outbox, and only that."""
    row, cuts = life.row, {run.cut for run in life.runs}
    if row is None:
        return
    # An instance may end while it writes down that its user had cancelled; then that is what it has written.
    written = row.error_kind == "cancelled" and cuts & {"kill", "close"}
    if row.status == "cancelled" and "cancel" not in cuts and not written:
        words = (
            f"{life.name}: thrown away, though nobody said so ({', '.join(filter(None, cuts)) or 'nothing was cut'})"
        )
        yield Violation(rule="I1", words=words)
    if row.status == "paused" and row.error_kind == "cancelled" and cuts <= {"", "cancel"}:
        yield Violation(rule="I1", words=f"{life.name}: cancelled, and all the same in the outbox")


def _exit_code(life: Life) -> Iterator[Violation]:
    asked = life.asked
    if asked.answer is None or asked.code is None or asked.cut:
        return
    status = str(asked.answer.get("status"))
    kind = (asked.answer.get("error") or {}).get("kind")
    expected = 4 if status == "failed" and kind == "schema" else EXIT_CODES.get(status)
    if asked.code != expected:
        yield Violation(rule="I1", words=f"{life.name}: {status} with exit code {asked.code} instead of {expected}")


def _last_answer(life: Life) -> dict[str, object] | None:
    told = [each.answer for each in (*life.resumed, life.asked) if each.answer is not None]
    if life.resumed:
        last = life.resumed[-1].answer
        return dict(last) if last is not None else None
    return dict(told[0]) if told else None


def _text(lives: Lives, life: Life) -> Iterator[Violation]:
    answers = [each for each in life.served if each.marked and not each.error]
    for told in (life.asked.answer, *(each.answer for each in life.resumed)):
        if told is not None and told.get("status") == "completed":
            yield from _of_one_answer(life, answers, str(told.get("text")), where="printed")
            yield from _by(life, answers, told.get("provider"), told.get("model"))
    row = life.row
    if row is None or row.status != "completed":
        return
    stored = [each for each in lives.book.messages.get(life.id, ()) if each.role == "assistant"]
    if len(stored) > 1:
        yield Violation(rule="I1", words=f"{life.name}: {len(stored)} answers are stored")
    for message in stored:
        yield from _of_one_answer(life, answers, message.content, where="stored")
        if message.completeness not in WHOLE:
            yield Violation(rule="I1", words=f"{life.name}: completed, but its answer is marked {message.completeness}")
    if not stored and row.record_text and row.conversation is None:
        yield from _of_one_answer(life, answers, row.answer, where="stored")
    elif not stored and row.conversation is not None and row.record_text:
        yield Violation(rule="I1", words=f"{life.name}: completed, and no answer is stored")


def _of_one_answer(life: Life, answers: list[Served], text: str, *, where: str) -> Iterator[Violation]:
    if text not in [each.text for each in answers]:
        sent = [each.text[:40] for each in answers] or "no answer"
        words = f"{life.name}: {where} is {text[:60]!r}, but servers completed {sent}"
        yield Violation(rule="I1", words=words)


def _by(life: Life, answers: list[Served], provider: object, model: object) -> Iterator[Violation]:
    if answers and (provider, model) not in [(each.provider, each.model) for each in answers]:
        yield Violation(rule="I1", words=f"{life.name}: said to be answered by {provider}/{model}, who did not")


def _excused_open(lives: Lives, life: Life) -> bool:
    """Under way when its instance was killed, and nothing has started since that could have taken it back."""
    run = life.runs[-1]
    if run.cut != "kill" or run.cut_at is None:
        return False
    cut_at = run.cut_at
    later = [lived for lived in lives.evidence.instances if lived.began > cut_at and lived.number != run.instance]
    asked = [each for each in lives.evidence.asked if each.real and each.at > cut_at and each.over is not None]
    return not later and not asked


# --- I2 ---------------------------------------------------------------------------------------------------------------


def kept(lives: Lives) -> Iterator[Violation]:
    """I2: whatever was acknowledged, or reached a server, is in the database with its prompt."""
    if not lives.evidence.recorded:
        return
    for life in lives.all:
        acknowledged = life.asked.request or life.served
        if acknowledged and life.row is None:
            words = f"{life.name}: {'acknowledged' if life.asked.request else 'sent'}, and not in the database"
            yield Violation(rule="I2", words=words)
        elif life.row is not None and life.row.prompt != life.asked.prompt:
            forgotten = not life.row.record_text and life.row.status in FINAL and not life.row.prompt
            if not forgotten:
                yield Violation(rule="I2", words=f"{life.name}: kept as {life.row.prompt[:60]!r}")
        if life.row is not None and life.row.status == "paused" and not life.row.payload:
            yield Violation(rule="I2", words=f"{life.name}: paused without what is needed to ask again")


# --- I14 --------------------------------------------------------------------------------------------------------------


def ended(lives: Lives) -> Iterator[Violation]:
    """I14, as far as a sequence shows it: every run has an end, and a stop stops."""
    for life in lives.all:
        for run in life.runs:
            if run.over is None and run.cut != "kill":
                yield Violation(rule="I14", words=f"{life.name}: run {run.number} never ended")
            yield from _stops(life, run)


def _stops(life: Life, run: Run) -> Iterator[Violation]:
    if run.cut in ("cancel", "keep", "close") and run.cut_at is not None and run.over is not None:
        took = run.over - run.cut_at
        if took > STOP_S:
            yield Violation(rule="I14", words=f"{life.name}: {run.cut} took {took:.1f} s")


# --- I17 --------------------------------------------------------------------------------------------------------------


def in_order(lives: Lives) -> Iterator[Violation]:
    """I17: what was asked first in a lane is first in the outbox, and is resumed first."""
    placed = [life for life in lives.all if life.row is not None]
    for one in placed:
        for other in placed:
            assert one.row is not None
            assert other.row is not None
            before = one.asked.over is not None and one.asked.over < other.asked.at
            if before and one.row.position >= other.row.position:
                yield Violation(rule="I17", words=f"{other.name} stands before {one.name}, which was asked earlier")
    yield from _resumed_in_order(lives)


def _resumed_in_order(lives: Lives) -> Iterator[Violation]:
    """One batch is what was ordered without anything asked in between, each request once."""
    last: dict[str, tuple[int, set[str]]] = {}
    newest: dict[str, str] = {}
    asked = [each.at for each in lives.evidence.asked]
    since = 0.0
    for each in lives.evidence.resumed:
        row = lives.book.requests.get(each.request)
        if row is None:
            continue
        if any(since < at <= each.at for at in asked):
            last.clear()
            newest.clear()
        since = each.at
        position, seen = last.get(row.lane, (0, set()))
        if each.request == newest.get(row.lane):
            continue  # of several instances that are told to, one gets it
        newest[row.lane] = each.request
        if each.request in seen:
            position, seen = 0, set()
        if row.position < position:
            yield Violation(rule="I17", words=f"lane {row.lane}: {row.id} was resumed behind what was asked after it")
        last[row.lane] = (row.position, seen | {each.request})


# --- I19 --------------------------------------------------------------------------------------------------------------


def claimed_once(lives: Lives) -> Iterator[Violation]:
    """I19: a start changes nothing but running to paused; a request is asked again only when somebody ordered it."""
    for life in lives.all:
        row = life.row
        if row is None:
            continue
        taken = 1 + len(life.resumed)
        if row.run != taken:
            words = f"{life.name}: in run {row.run}, but it was taken out of the outbox {taken - 1} times"
            yield Violation(rule="I19", words=words)
        numbers = [each.number for each in life.history]
        if numbers != list(range(1, len(numbers) + 1)):
            lost = any(run.cut for run in life.runs)
            if not lost or len(set(numbers)) != len(numbers) or (numbers and numbers[0] < 1):
                yield Violation(rule="I19", words=f"{life.name}: its attempts are numbered {numbers}")
    known = {life.id for life in lives.all if life.id}
    for row_id in lives.book.requests.keys() - known:
        yield Violation(rule="I19", words=f"request {row_id} is in the database, and nobody asked it")
