"""``llmdesk conversations`` over a real desk: put in order, searched, shown with versions, taken in."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.support.cli_run import run_cli
from tests.support.desk_world import CLOUD, DeskWorld, answers, ask
from tests.support.scripted_desk import AT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from llmdesk.desk import Desk
    from tests.support.cli_run import Ran
    from tests.support.scripted_desk import ScriptedDesk


@dataclass
class Home:
    """The command line over the files of one world; each command is an instance of its own."""

    world: DeskWorld

    def maker(self, **_options: object) -> Desk:
        return self.world.desk()

    def run(self, *argv: str, stdin: bytes = b"") -> Ran:
        return run_cli(["conversations", *argv], cast("ScriptedDesk", self), stdin=stdin)

    def days_ago(self, days: float) -> None:
        """Let what is done from now on happen so long before the commands."""
        self.world.clocks.wall = AT - days * 86_400.0

    def at_the_desk(self, work: Callable[[Desk], Awaitable[Any]]) -> Any:
        async def opened() -> Any:
            async with self.world.desk() as desk:
                return await work(desk)

        return asyncio.run(opened())

    def begin(self, prompt: str, **more: Any) -> str:
        self.world.cloud.script(answers(f"about {prompt}"))
        return str(self.at_the_desk(lambda desk: ask(desk, prompt, **more)).conversation)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    world = DeskWorld(tmp_path / "home")
    world.lanes["chat"] = replace(world.lanes["chat"], targets=(CLOUD,))
    return Home(world)


def titles(ran: Ran) -> list[object]:
    return [record["title"] for record in ran.records]


def test_a_conversation_is_renamed_pinned_tagged_and_put_away(home: Home) -> None:
    one, _ = home.begin("a"), home.begin("b")
    assert home.run("rename", one, "The first").err == f"Renamed {one}: The first\n"
    (record,) = home.run("pin", one, "--json").records
    assert record == {"id": one, "title": "The first", "pinned": True, "archived": False, "tags": []}
    assert titles(home.run("list", "--json")) == ["The first", "b"]
    assert "#later #work" in home.run("tag", one, "work", "#later").err
    assert "The first [pinned, #later, #work]" in home.run("list").out
    assert home.run("tag", one, "--json").records[0]["tags"] == []
    home.run("unpin", one)
    assert titles(home.run("list", "--json")) == ["b", "The first"]
    assert home.run("archive", one).ending == 0
    assert titles(home.run("list", "--json")) == ["b"]
    (away,) = home.run("list", "--archived", "--json").records
    assert (away["title"], away["archived"]) == ("The first", True)
    home.run("unarchive", one)
    assert home.run("list", "--archived").err == "None was put away.\n"


@pytest.mark.parametrize(
    "argv", [("rename", "zz", "t"), ("pin", "zz"), ("unpin", "zz"), ("tag", "zz", "x"), ("archive", "zz"),
             ("unarchive", "zz"), ("rm", "zz", "--yes")],
)  # fmt: skip
def test_what_is_not_there_is_wrong_use(home: Home, argv: tuple[str, ...]) -> None:
    ran = home.run(*argv)
    assert (ran.ending, ran.out) == (2, "")
    assert "No conversation zz" in ran.err


def test_removing_asks_first_and_is_for_good(home: Home) -> None:
    one = home.begin("walrus")
    assert home.run("rm", one).ending == 1
    assert titles(home.run("list", "--json")) == ["walrus"]
    assert home.run("rm", one, "--yes", "--json").records == [{"id": one, "deleted": True}]
    assert home.run("list", "--json").out == ""
    assert b"walrus" not in home.world.paths.database.read_bytes()


def test_old_conversations_go_together_but_never_pinned_ones(home: Home) -> None:
    home.days_ago(100)
    pinned, away, plain = home.begin("a"), home.begin("b"), home.begin("c")
    home.run("pin", pinned)
    home.run("archive", away)
    home.days_ago(1)
    fresh = home.begin("d")
    asked = home.run("rm", "--older-than", "90d")
    assert asked.ending == 1
    assert "Not deleted: 2 conversations. Add --yes to delete." in asked.err
    put_away = home.run("rm", "--older-than", "90d", "--archived", "--yes", "--json")
    assert put_away.records == [{"id": away, "deleted": True}]
    assert put_away.err.endswith("Deleted 1 conversation.\n")
    assert home.run("rm", "--older-than", "90d", "--yes", "--json").records == [{"id": plain, "deleted": True}]
    again = home.run("rm", "--older-than", "90d", "--yes", "--json")
    assert (again.ending, again.out) == (0, "")
    assert {record["id"] for record in home.run("--json").records} == {pinned, fresh}


def test_one_that_is_used_or_pinned_before_the_yes_stays(home: Home) -> None:
    home.days_ago(100)
    used, pinned, gone = home.begin("a"), home.begin("b"), home.begin("c")
    home.days_ago(0)

    async def decide(desk: Desk) -> tuple[str, ...]:
        before = AT - 90 * 86_400.0
        found = await desk.shelf.unused(before=before)
        assert found == (used, pinned, gone)
        home.world.cloud.script(answers("again"))
        await ask(desk, "again", conversation=used)
        await desk.shelf.pin(pinned)
        return await desk.shelf.remove_unused(found, before=before)

    assert home.at_the_desk(decide) == (gone,)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((), "Say which"),
        (("x", "--older-than", "90d"), "Say which"),
        (("x", "--archived"), "goes with --older-than"),
        (("--older-than", "soon"), "no span of time"),
        (("--older-than", "2999-01-01"), "in the future"),
    ],
)
def test_a_deletion_that_names_no_one_thing_is_wrong_use(home: Home, argv: tuple[str, ...], says: str) -> None:
    ran = home.run("rm", *argv, "--yes")
    assert ran.ending == 2
    assert says in ran.err


def test_a_search_keeps_to_a_tag_and_a_lane_and_tells_where_it_found_what(home: Home) -> None:
    one, _, _ = home.begin("the walrus sings"), home.begin("walrus again"), home.begin("walrus code", lane="codegen")
    home.run("tag", one, "sea")
    home.run("archive", one)
    records = home.run("search", "walrus", "--json").records
    assert len(records) == 6
    (hit, _) = home.run("search", "tag:sea walrus", "--json").records
    snippet = str(hit["snippet"])
    assert [snippet[begin:end] for begin, end in cast("list[list[int]]", hit["matches"])] == ["walrus"]
    assert (hit["archived"], hit["tags"], hit["earlier"]) == (True, ["sea"], False)
    assert {record["lane"] for record in home.run("search", "walrus lane:codegen", "--json").records} == {"codegen"}
    assert "the walrus sings [archived, #sea]" in home.run("search", "tag:sea").out


def test_earlier_versions_are_shown_as_such_and_not_counted(home: Home) -> None:
    one = home.begin("old")
    home.world.cloud.script(answers("new"))

    async def again(desk: Desk) -> None:
        request = (await desk.conversation(one)).messages[0].request
        assert request is not None
        await (await desk.again(one, request, prompt="newer")).outcome()
        home.world.cloud.script(answers("In short."))
        await (await desk.compact(one)).outcome()

    home.at_the_desk(again)
    shown = home.run("show", one).out
    assert shown.count("an earlier version]") == 1
    assert shown.count("an earlier version") == 2
    assert "[summary of all above, " in shown
    (record,) = home.run("show", one, "--json").records
    marks = [message["superseded_by"] is None for message in cast("list[dict[str, object]]", record["messages"])]
    assert marks == [False, False, True, True, True]
    assert home.run("list", "--json").records[0]["messages"] == 3
    assert "an earlier version" in home.run("search", "old").out


def test_an_export_is_taken_in_once(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps([{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]))
    ran = home.run("import", str(path))
    assert (ran.ending, ran.out, ran.err) == (0, "", "Imported 1 conversation.\n")
    assert home.run("import", str(path)).err == "Nothing new in it.\n"
    assert titles(home.run("list", "--json")) == ["Hello"]
    other = tmp_path / "other.json"
    other.write_text(json.dumps([{"role": "user", "content": "Bye"}, 3]))
    ran = home.run("import", str(other), "--json")
    assert titles(ran) == ["Bye"]
    assert "left out 1 entry" in ran.err


def test_another_file_is_refused_and_named(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG")
    ran = home.run("import", str(path))
    assert (ran.ending, ran.out) == (2, "")
    assert "picture.png: is no JSON; expected conversations.json" in ran.err


def test_the_newest_conversation_is_gone_on_with_however_many_are_pinned_or_put_away(home: Home) -> None:
    one, two = home.begin("a"), home.begin("b")
    home.run("pin", one)
    ran = run_cli(["exec", "--continue", "more"], cast("ScriptedDesk", home))
    assert ran.ending == 0
    assert home.run("show", two, "--json").records[0]["messages"][2]["content"] == "more"  # type: ignore[index]
    home.run("archive", two)
    run_cli(["exec", "--continue", "further"], cast("ScriptedDesk", home))
    assert home.run("show", one, "--json").records[0]["messages"][2]["content"] == "further"  # type: ignore[index]
