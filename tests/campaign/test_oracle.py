"""The judge judged: stories that keep every rule, and for each rule lies that break it, each told by one side only.

A story is told to all sides alike and must be found well; then one side lies, and the rule that this breaks must be
named. Other rules may notice too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.campaign.evidence import Clock, Lived, Poisoned, Resumed
from tests.campaign.handmade import BOOT, Hand, answers, fails, meaning, skips
from tests.campaign.oracle import judge, same
from tests.campaign.sequence import Budget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.campaign.evidence import Violation

KEY = "sk-abcdef+0123456789/canary"


@dataclass(frozen=True, kw_only=True)
class Lie:
    """A story, and what one side says of it that is not so."""

    rule: str
    name: str
    story: Callable[[Hand], object]
    lie: Callable[[Hand], object] = lambda _: None
    record: str = "full"


def told(lie: Lie, folder: Path) -> Hand:
    hand = Hand(folder / "home", record=lie.record)
    lie.story(hand)
    return hand


def rules(found: list[Violation]) -> set[str]:
    return {violation.rule for violation in found}


# --- stories ----------------------------------------------------------------------------------------------------------


def plain(hand: Hand) -> None:
    hand.ask(1, answers())


def failover(hand: Hand) -> None:
    hand.ask(1, *[fails("cloud", "server")] * 3, answers("local"))


def limited(hand: Hand) -> None:
    hand.ask(1, fails("cloud", "rate"), answers("local"))
    hand.ask(2, skips("cloud", "cooling"), answers("local"))


def limited_then_over(hand: Hand) -> None:
    limited(hand)
    hand.jump(601, 601)
    hand.ask(3, answers())


def talk(hand: Hand) -> None:
    hand.ask(1, answers())
    hand.ask(2, fails("cloud", "truncated", text="half a"), answers(), follows=1)
    hand.ask(3, answers(), follows=2)


def paid(hand: Hand) -> None:
    hand.evidence.budgets = (Budget(scope="day", kind="hard", limit_usd=1.0),)
    hand.ask(1, answers("open", usage=(1000, 2000)), lane="code")
    hand.ask(2, answers("open", usage=None), lane="code")


def nobody(hand: Hand) -> None:
    hand.ask(1, *[fails("cloud", "server")] * 3, *[fails("local", "truncated")] * 3)


def resumed(hand: Hand) -> None:
    """Paused, then taken out of the outbox and answered."""
    nobody(hand)
    taken = hand.wait()
    served = hand.evidence.served[0]
    at = hand.wait()
    hand.evidence.served.append(
        replace(
            served, at=at, over=at + 0.001, boot=hand.boot, wall=hand.wall, symbol="ollama/happy", error="",
            text="late", marked=True, usage=(10, 5),
        )
    )  # fmt: skip
    hand.evidence.resumed.append(Resumed(at=taken, over=hand.wait(), request="r1", instance=0))
    hand.sql(
        "INSERT INTO attempts SELECT 99, request, 7, 2, provider, model, 'completed', at, NULL, '', NULL, '', '', NULL,"
        " elapsed_ms, 1, 10, 5, 0, 0, '', '', 0, day, lane, agent, job, conversation, NULL, NULL, NULL, NULL, 0"
        " FROM attempts WHERE number = 1"
    )
    for scope in ("day", "month", "conversation"):
        hand.sql(f"INSERT INTO spend VALUES ('{scope}', (SELECT CASE '{scope}' WHEN 'day' THEN day WHEN 'month' THEN"
                 " substr(day, 1, 7) ELSE 'c1' END FROM attempts), 'chat', 'cloud', '', 15, 0, 0, 99)")  # fmt: skip
    hand.sql("UPDATE measures SET attempts = attempts + 1 WHERE level = 'day' AND provider = 'cloud'")
    hand.sql("UPDATE requests SET status = 'completed', run = 2, answer = 'late', payload = ''")
    hand.sql(
        "INSERT INTO messages (conversation, turn, request, role, content, completeness, created_at, provider, model)"
        " VALUES ('c1', 1, 'r1', 'assistant', 'late', 'full', 1, 'cloud', 'cloud-model')"
    )


def ordered_again(hand: Hand) -> None:
    """All that is paused is ordered, something is asked, and all is ordered twice more."""
    nobody(hand)
    hand.evidence.resumed.append(Resumed(at=hand.wait(), request="r1", instance=0, taken=False))
    hand.ask(2, *[fails("cloud", "server")] * 3, *[fails("local", "server")] * 3)
    for request in ("r1", "r2", "r1"):
        hand.evidence.resumed.append(Resumed(at=hand.wait(), request=request, instance=0, taken=False))


def hinted(hand: Hand) -> None:
    """One retry after the second that the server asked for."""
    hand.ask(
        1, fails("open", "rate", "openai/short"), answers("open", after_s=1.0), lane="code"
    )  # fmt: skip


def killed(hand: Hand) -> None:
    hand.ask(1, fails("cloud", "server"), cut="kill", cut_at=hand.now + 0.02, over=None, answer=None)
    hand.evidence.instances[:] = [
        Lived(number=0, began=99.0, over=hand.now, hard=True),
        Lived(number=1, began=hand.wait()),
    ]
    hand.sql("UPDATE requests SET status = 'paused', reason = 'interrupted'")


def off_record(hand: Hand) -> None:
    hand.evidence.canaries = {"prompt 1": "whisper-canary-1"}
    hand.ask(1, answers(text="fine"))
    hand.sql("DELETE FROM requests")
    hand.sql("DELETE FROM messages")
    hand.sql("DELETE FROM conversations")
    hand.sql("VACUUM")


def without_text(hand: Hand) -> None:
    hand.ask(1, answers())
    hand.sql("UPDATE requests SET conversation = NULL")
    hand.sql("DELETE FROM messages")
    hand.sql("DELETE FROM conversations")


def poisoned(hand: Hand) -> None:
    hand.evidence.poisons.append(Poisoned(at=99.0, provider="cloud", toxin="reset"))
    hand.ask(1, *[fails("cloud", "net")] * 3, answers("local"))
    hand.serve(0, error="", text="whole", marked=True)


def rebooted(hand: Hand) -> None:
    limited(hand)
    hand.jump(60, -BOOT, "boot-2")
    hand.ask(3, skips("cloud", "cooling"), answers("local"))
    hand.jump(601, 601)
    hand.ask(4, answers())


KEPT = [
    Lie(rule="", name="an answer", story=plain),
    Lie(rule="", name="a failover", story=failover),
    Lie(rule="", name="a limit", story=limited),
    Lie(rule="", name="a limit that is over", story=limited_then_over),
    Lie(rule="", name="a limit over a reboot", story=rebooted),
    Lie(rule="", name="a conversation", story=talk),
    Lie(rule="", name="money", story=paid),
    Lie(rule="", name="nobody answers", story=nobody),
    Lie(rule="", name="resumed", story=resumed),
    Lie(rule="", name="ordered again and again", story=ordered_again),
    Lie(rule="", name="a hinted retry", story=hinted),
    Lie(rule="", name="a killed instance", story=killed),
    Lie(rule="", name="off the record", story=off_record, record="off-record"),
    Lie(rule="", name="without text", story=without_text, record="metadata"),
    Lie(rule="", name="a bad wire", story=poisoned),
    Lie(rule="", name="declined", story=lambda hand: hand.ask(1, fails("cloud", "refused", text="no"))),
    Lie(rule="", name="cancelled", story=lambda hand: hand.ask(
        1, fails("cloud", "cancelled"), cut="cancel",
        cut_at=hand.now + 0.02)),
    Lie(rule="", name="too long for one", story=lambda hand: hand.ask(
        1, fails("cloud", "request", "ollama/too long"), answers("local"))),
]  # fmt: skip


# --- lies -------------------------------------------------------------------------------------------------------------

I1 = [
    ("still running", plain, lambda h: h.sql("UPDATE requests SET status = 'running'")),
    ("told otherwise than kept", plain, lambda h: h.answer(0, status="paused", error={"message": "x"})),
    ("another text printed", plain, lambda h: h.answer(0, text="answer 1 é\n")),
    ("another text stored", plain, lambda h: h.sql("UPDATE messages SET content = 'x' WHERE role = 'assistant'")),
    ("no terminal marker", plain, lambda h: h.serve(0, marked=False)),
    ("two answers in one", talk, lambda h: h.answer(1, text="half aanswer 3 é\r\n")),
    ("completed twice", failover, lambda h: h.sql(
        "UPDATE attempts SET outcome = 'completed', error_kind = NULL WHERE number = 3")),
    ("marked as broken off", plain, lambda h: h.sql("UPDATE messages SET completeness = 'interrupted' WHERE id > 1")),
    ("cancelled by nobody", nobody, lambda h: h.sql("UPDATE requests SET status = 'cancelled'")),
    ("wrong exit code", plain, lambda h: h.tell(0, real=True, code=5)),
    ("an answer of somebody else", plain, lambda h: h.answer(0, provider="local", model="local-model")),
    ("kept although thrown away", killed, lambda h: h.sql("UPDATE requests SET status = 'cancelled'")),
]  # fmt: skip
I2 = [
    ("a lost row", plain, lambda h: h.sql("DELETE FROM requests")),
    ("a changed prompt", nobody, lambda h: h.sql("UPDATE requests SET prompt = 'prompt #1. ü x'")),
    ("nothing left to ask again", nobody, lambda h: h.sql("UPDATE requests SET payload = ''")),
    ("sent, and never kept", killed, lambda h: (h.tell(0, request=""), h.sql("DELETE FROM requests"))),
]
I3 = [
    ("asked again while it rests", lambda h: (h.ask(1, fails("cloud", "rate"), answers("local")), h.ask(2, answers())),
     lambda h: None),
    ("asked again by a wall clock", limited_then_over, lambda h: (
        h.evidence.clocks.__setitem__(1, replace(h.evidence.clocks[1], boot=BOOT)),
        h.serve(-1, boot=h.evidence.served[-1].boot - 601))),
    ("asked again after too short a rest", limited_then_over, lambda h: (
        h.evidence.clocks.__setitem__(1, replace(h.evidence.clocks[1], boot=BOOT + 300)),
        h.serve(-1, boot=h.evidence.served[-1].boot - 301))),
    ("a deadline set back", limited, lambda h: h.serve(
        -1, state=h.state().replace(str(h.cooldowns["cloud"]["until_boot"]), "5400.0"))),
    ("a longer hint forgotten", lambda h: (
        h.ask(1, fails("cloud", "rate", "ollama/hint"), answers("local")), h.jump(700, 700), h.ask(2, answers())),
     lambda h: None),
]  # fmt: skip
I3B = [
    ("nothing on disk", limited, lambda h: h.serve(1, state="")),
    ("on disk too short", limited, lambda h: h.serve(
        1, state=h.state().replace(str(h.cooldowns["cloud"]["until_boot"]), "5200.0"))),
    ("on disk for another", limited, lambda h: h.serve(2, state=h.state().replace('"cloud"', '"other"'))),
]  # fmt: skip
I4 = [
    ("passed over when it is over", lambda h: (
        h.ask(1, fails("cloud", "rate"), answers("local")), h.jump(602, 602.5), h.wait(3.0),
        h.ask(2, skips("cloud", "cooling"), answers("local"))), lambda h: None),
    ("pinned by a wall clock that was set back", lambda h: (
        h.ask(1, fails("cloud", "rate"), answers("local")), h.jump(-5000, 605), h.wait(3.0),
        h.ask(2, skips("cloud", "cooling"), answers("local"))), lambda h: None),
    ("more than one duration after a reboot", lambda h: (
        h.ask(1, fails("cloud", "rate"), answers("local")), h.jump(-5000, -BOOT, "boot-2"),
        h.ask(2, skips("cloud", "cooling"), answers("local")), h.jump(605, 605), h.wait(3.0),
        h.ask(3, skips("cloud", "cooling"), answers("local"))), lambda h: None),
]  # fmt: skip
I5 = [
    ("a breaker", lambda h: (failover(h), h.ask(2, skips("cloud", "gone"), answers("local"))), lambda h: None),
    ("passed over without a row", limited, lambda h: h.sql("DELETE FROM attempts WHERE outcome = 'skipped'")),
    ("begun behind the first", lambda h: h.ask(1, answers("local")), lambda h: None),
    ("cooling, and nobody had said so", lambda h: h.ask(1, skips("cloud", "cooling"), answers("local")),
     lambda h: None),
]  # fmt: skip
I6 = [
    ("a try too few", lambda h: h.ask(1, *[fails("cloud", "server")] * 2, answers("local")), lambda h: None),
    ("a try too many", lambda h: h.ask(1, *[fails("cloud", "server")] * 4, answers("local")), lambda h: None),
    ("a try that was forbidden", lambda h: h.ask(
        1, *[fails("cloud", "server", "ollama/once")] * 2, answers("local")), lambda h: None),
    ("a permanent failure retried", lambda h: h.ask(1, *[fails("cloud", "gone")] * 2, answers("local")),
     lambda h: None),
    ("back to the first", lambda h: h.ask(1, *[fails("cloud", "server")] * 3, *[fails("local", "server")] * 3,
                                          answers("cloud")), lambda h: None),
    ("another asked after a refusal", lambda h: h.ask(1, fails("cloud", "refused"), answers("local")), lambda h: None),
    ("a wrong request shown to another", lambda h: h.ask(1, fails("cloud", "request"), answers("local")),
     lambda h: None),
    ("nobody else asked", lambda h: h.ask(1, fails("cloud", "gone")), lambda h: None),
    ("an attempt without a row", failover, lambda h: h.sql("DELETE FROM attempts WHERE number = 2")),
    ("a row that nobody saw", failover, lambda h: h.evidence.served.pop(1)),
    ("a row of another model", plain, lambda h: h.serve(0, model="else")),
    ("ended as something else", nobody, lambda h: (
        h.sql("UPDATE requests SET status = 'failed'"), h.answer(0, status="failed"))),
    ("printed otherwise", failover, lambda h: h.answer(0, attempts=[])),
    ("asked by nobody", plain, lambda h: h.serve(0, prompt="what nobody asked")),
    ("a refused key tried again", lambda h: (
        h.ask(1, fails("cloud", "auth"), answers("local")), h.ask(2, answers())), lambda h: None),
]  # fmt: skip
I6B = [
    ("another class", failover, lambda h: h.serve(1, error="quota")),
    ("complete as a failure", failover, lambda h: h.serve(1, error="", marked=True)),
    ("a failure as complete", plain, lambda h: h.serve(0, error="truncated", marked=False)),
    ("no class at all", failover, lambda h: h.sql("UPDATE attempts SET error_kind = 'odd' WHERE number = 2")),
]
I8 = [
    ("other tokens", plain, lambda h: h.serve(0, usage=(10, 6))),
    ("an estimate as a report", plain, lambda h: h.serve(0, usage=None)),
    ("a report as an estimate", plain, lambda h: h.sql("UPDATE attempts SET estimated = 1")),
    ("a wrong price", paid, lambda h: h.sql("UPDATE attempts SET cost_nano_usd = cost_nano_usd + 1")),
    ("a wrong sum", plain, lambda h: h.sql("UPDATE spend SET tokens = tokens + 1 WHERE scope = 'month'")),
    ("booked to another day", plain, lambda h: h.sql("UPDATE spend SET key = '1999-01-01' WHERE scope = 'day'")),
    ("not counted", failover, lambda h: h.sql("UPDATE measures SET attempts = 1 WHERE level = 'day'")),
    ("never settled", plain, lambda h: h.sql(
        "INSERT INTO reservations VALUES ('r1', 1, 'o', 1, 'd', 'chat', 'cloud', '', NULL, NULL, 1, 1, 'm', 1, 1, 1)")),
    ("over a hard limit", lambda h: (paid(h), h.evidence.__setattr__(
        "budgets", (Budget(scope="day", kind="hard", limit_usd=0.03),))), lambda h: None),
    ("silence as a report", lambda h: h.ask(1, fails("cloud", "silent"), answers("local")), lambda h: h.sql(
        "UPDATE attempts SET has_usage = 1, input_tokens = 0, output_tokens = 0 WHERE number = 1")),
]  # fmt: skip
I9 = [
    ("a torn state file", limited, lambda h: h.serve(1, state=h.state()[:-9])),
    ("a torn one at the end", limited, lambda h: (h.home / "state/llm_state.json").write_text("{")),
    ("no numbers in it", limited, lambda h: h.serve(1, state=h.state().replace('"until_boot": ', '"x": '))),
    ("its oldest key behind", limited, lambda h: h.serve(1, state=json.dumps(
        {**json.loads(h.state()), "cloud_cooldown_until": 0}))),
    ("readable by others", plain, lambda h: (h.home / "data/llmdesk.db").chmod(0o644)),
    ("a folder open to others", plain, lambda h: (h.home / "state").chmod(0o755)),
    ("a temporary file", limited, lambda h: (h.home / "state/.llm_state.json.1-2.tmp").touch(mode=0o600)),
    ("something damaged", plain, lambda h: (h.home / "data/llmdesk.db.corrupt-1").touch(mode=0o600)),
]  # fmt: skip
I10 = [
    ("no database", plain, lambda h: h.database.write_bytes(b"no database at all" * 99)),
    ("gone", plain, lambda h: h.database.unlink()),
    ("busy on stderr", plain, lambda h: h.tell(0, err="llmdesk: database is locked")),
    ("a row of nothing", plain, lambda h: h.sql("UPDATE messages SET conversation = 'c9'")),
]
I11 = [
    ("a key in the database", plain, lambda h: h.sql(f"UPDATE requests SET reason = 'of {KEY}'")),
    ("a key in the log", plain, lambda h: private(h, "llmdesk.log", json.dumps({"event": f"x {KEY}"}))),
    ("a quoted key on stderr", plain, lambda h: h.tell(0, err="u=sk-abcdef%2B0123456789%2Fcanary")),
    ("a packed key in a file", plain, lambda h: private(h, "x", "QmFzaWMgOnNrLWFiY2RlZiswMTIzNDU2Nzg5L2NhbmFyeQ==")),
    ("a key to somebody else", plain, lambda h: h.serve(0, provider="cloud", headers={"x-api-key": KEY})),
    ("a key to a model", plain, lambda h: h.serve(0, messages=(("user", f"prompt #1. ü\u2028x{KEY}"),))),
    ("a prompt off the record", off_record, lambda h: private(h, "x", "… whisper-canary-1 …")),
    ("the text of a request without text", without_text, lambda h: h.sql("UPDATE requests SET prompt = 'kept'")),
    ("a discarded text of one", without_text, lambda h: h.sql("UPDATE attempts SET discarded_text = 'kept'")),
]
I12 = [
    ("a proxy", plain, lambda h: h.evidence.__setattr__("foreign", ("127.0.0.1:3128",))),
    ("another host", limited, lambda h: h.evidence.__setattr__("foreign", ("other.example:443",))),
]
I14 = [
    ("no end", plain, lambda h: h.tell(0, over=None)),
    ("a slow stop", lambda h: h.ask(1, fails("cloud", "cancelled"), cut="cancel", cut_at=h.now), lambda h: h.tell(
        0, over=h.now + 9)),
]  # fmt: skip
I15 = [
    ("a child", plain, lambda h: h.evidence.__setattr__("leftovers", ("sleep 60",))),
    ("a grandchild after a crash", killed, lambda h: h.evidence.__setattr__("leftovers", ("tool --hold",))),
]
I17 = [
    ("rows in the wrong order", talk, lambda h: h.sql("UPDATE requests SET position = 99 WHERE id = 'r1'")),
    ("resumed in the wrong order", lambda h: (nobody(h), h.ask(2, *[fails("cloud", "server")] * 3,
                                                               *[fails("local", "server")] * 3)),
     lambda h: h.evidence.resumed.extend([
         Resumed(at=h.wait(), request="r2", instance=0, taken=False),
         Resumed(at=h.wait(), request="r1", instance=0, taken=False)])),
]  # fmt: skip
I18 = [
    ("a discarded text", talk, lambda h: h.serve(3, messages=(
        *h.evidence.served[3].messages[:-1], ("assistant", "half a"), h.evidence.served[3].messages[-1]))),
    ("half an answer", talk, lambda h: h.serve(0, text="answer 1 é\r\nwhole")),
    ("another conversation", talk, lambda h: h.tell(2, follows=None)),
    ("the wrong order", talk, lambda h: h.serve(3, messages=(
        *h.evidence.served[3].messages[2:4], *h.evidence.served[3].messages[:2], h.evidence.served[3].messages[-1]))),
    ("a turn left out", lambda h: (talk(h), h.evidence.served.__setitem__(
        3, replace(h.evidence.served[3], at=h.wait(3.0), messages=h.evidence.served[3].messages[-1:]))),
     lambda h: h.tell(2, over=h.wait())),
    ("an error text", plain, lambda h: h.serve(0, messages=(
        ("user", "q"), ("assistant", "cloud: it failed."), ("user", h.evidence.served[0].prompt)))),
]  # fmt: skip
I19 = [
    ("taken by nobody's order", nobody, lambda h: h.sql("UPDATE requests SET run = 2")),
    ("taken twice", resumed, lambda h: h.sql("UPDATE requests SET run = 3")),
    ("numbers that jump", failover, lambda h: h.sql("UPDATE attempts SET number = 9 WHERE number = 4")),
    ("a request of nobody", plain, lambda h: h.sql(
        "INSERT INTO requests (id, status, owner, lane, title, prompt, payload, record_text, created_at)"
        " VALUES ('x', 'paused', 'o', 'chat', 't', 'p', '{}', 1, 1)")),
]  # fmt: skip
I20 = [
    ("too long", failover, lambda h: h.sql(f"UPDATE attempts SET message = 'cloud: {'x' * 200}' WHERE number = 1")),
    ("two lines", failover, lambda h: h.sql("UPDATE attempts SET message = 'cloud: a\nb' WHERE number = 1")),
    ("nothing", failover, lambda h: h.sql("UPDATE attempts SET message = '' WHERE number = 1")),
    ("whose", failover, lambda h: h.sql("UPDATE attempts SET message = 'it failed.' WHERE number = 1")),
    ("when", limited, lambda h: h.sql("UPDATE attempts SET message = 'cloud: limit.' WHERE outcome = 'skipped'")),
    ("a traceback", plain, lambda h: h.tell(0, err='Traceback (most recent call last):\n  File "x", line 1\n')),
    ("an exception", nobody, lambda h: h.answer(0, error={"kind": "server", "message": "cloud: KeyError('x')"})),
    ("unexpected", plain, lambda h: private(h, "llmdesk.log", '{"event": "unexpected error", "error": "KeyError"}')),
    ("an escape", failover, lambda h: h.sql("UPDATE attempts SET message = 'cloud: a' || char(27) WHERE number = 1")),
]


def private(hand: Hand, name: str, text: str) -> None:
    file = hand.home / "state" / name
    file.touch(mode=0o600)
    file.write_text(text)


LIES = [
    Lie(rule=rule, name=name, story=story, lie=lie)
    for rule, lies in {
        "I1": I1, "I2": I2, "I3": I3, "I3b": I3B, "I4": I4, "I5": I5, "I6": I6, "I6b": I6B, "I8": I8, "I9": I9,
        "I10": I10, "I11": I11, "I12": I12, "I14": I14, "I15": I15, "I17": I17, "I18": I18, "I19": I19, "I20": I20,
    }.items()
    for name, story, lie in lies
]  # fmt: skip


@pytest.mark.parametrize("lie", KEPT, ids=lambda lie: lie.name)
def test_a_story_that_all_sides_tell_alike_is_well(lie: Lie, tmp_path: Path) -> None:
    hand = told(lie, tmp_path)
    assert judge(hand.evidence, meaning) == []


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{lie.rule} {lie.name}")
def test_a_lie_is_named_by_the_rule_that_it_breaks(lie: Lie, tmp_path: Path) -> None:
    record = {off_record: "off-record", without_text: "metadata"}.get(lie.story, "full")
    hand = told(replace(lie, record=record), tmp_path)
    hand.evidence.canaries = {**hand.evidence.canaries, "key other": KEY}
    lie.lie(hand)
    assert lie.rule in rules(judge(hand.evidence, meaning)), judge(hand.evidence, meaning)


def test_the_hint_is_waited_for_and_given_one_chance(tmp_path: Path) -> None:
    early = Hand(tmp_path / "early")
    early.ask(1, fails("open", "rate", "openai/short"), answers("open", after_s=0.5), lane="code")
    assert rules(judge(early.evidence, meaning)) == {"I3"}
    often = Hand(tmp_path / "often")
    limit = fails("open", "rate", "openai/short", after_s=1.1)
    often.ask(1, limit, limit, answers("open", after_s=0.2), lane="code")
    assert {"I3", "I6"} <= rules(judge(often.evidence, meaning))


def test_an_ordered_probe_and_what_was_under_way_may_reach_a_provider_that_rests(tmp_path: Path) -> None:
    hand = Hand(tmp_path / "home")
    hand.ask(1, fails("cloud", "rate"), answers("local"))
    second = hand.ask(2, answers())
    assert "I3" in rules(judge(hand.evidence, meaning))
    hand.tell(1, at=hand.evidence.served[0].at - 0.001)
    hand.tell(0, over=second.over)
    hand.serve(1, at=hand.evidence.served[2].at + 0.0005)
    assert "I3" not in rules(judge(hand.evidence, meaning)), "it was under way when the limit was told"


def test_after_a_reboot_one_more_duration_at_most_is_waited(tmp_path: Path) -> None:
    hand = Hand(tmp_path / "home")
    hand.ask(1, fails("cloud", "rate"), answers("local"))
    hand.jump(-5000, -BOOT, "boot-2")
    hand.ask(2, skips("cloud", "cooling"), answers("local"))
    hand.jump(595, 595)
    hand.ask(3, skips("cloud", "cooling"), answers("local"))
    hand.jump(10, 10)
    hand.ask(4, answers())
    assert rules(judge(hand.evidence, meaning)) <= {"I3b"}  # the file of this story is not begun anew, as the desk's is


def test_two_plays_are_the_same_unless_somebody_else_is_asked_or_fails_otherwise(tmp_path: Path) -> None:
    def play(name: str, *stories: Callable[[Hand], object]) -> Hand:
        hand = Hand(tmp_path / name)
        for story in stories:
            story(hand)
        return hand

    one, again = play("one", failover), play("again", failover)
    assert same(one.evidence, again.evidence) == []
    assert rules(same(one.evidence, play("plain", plain).evidence)) == {"I7"}
    again.sql("UPDATE attempts SET error_kind = 'net' WHERE number = 2")
    assert rules(same(one.evidence, again.evidence)) == {"I7"}
    more = play("more", failover, lambda hand: hand.ask(2, answers()))
    assert rules(same(one.evidence, more.evidence)) == {"I7"}


def test_a_setting_of_the_clocks_is_read_as_it_was_made() -> None:
    from tests.campaign.rules.clocks import Clocks

    class Served:
        at, boot, wall = 10.0, 1010.0, 5010.0

    class Story:
        served = (Served,)
        asked = ()
        clocks = (
            Clock(at=0.0, wall=0.0, boot=0.0, boot_id="a"),
            Clock(at=20.0, wall=100.0, boot=7.0, boot_id="a"),
            Clock(at=30.0, wall=50.0, boot=-1000.0, boot_id="b"),
        )

    clocks = Clocks(Story)  # type: ignore[arg-type]
    assert clocks.at(25.0).wall == 5125.0
    assert clocks.at(25.0).boot == 1032.0
    assert clocks.left_s(set_at=10.0, duration_s=600.0, moment=25.0) == (578.0, 578.0)
    least, most = clocks.left_s(set_at=10.0, duration_s=600.0, moment=31.0)
    assert least == most == pytest.approx(529.0)
