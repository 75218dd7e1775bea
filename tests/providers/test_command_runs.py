"""Real child processes: what they are given, how they are ended, and that nothing of them is left (policy 3.7)."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmdesk.core.errors import (
    AnswerCut,
    NoAnswer,
    ProviderError,
    QuotaReached,
    RequestRejected,
    ServerFailed,
    SetupBroken,
)
from llmdesk.core.run_folders import RUN_FOLDER, RUN_PREFIX
from llmdesk.core.types import Completed, Message, Params, ReasoningDelta, Role, TextDelta, Usage
from llmdesk.providers.base import Caps, Endpoint, Timeouts
from llmdesk.providers.command import group as group_module
from llmdesk.providers.command.adapter import CommandProvider
from llmdesk.providers.command.group import CHUNK, GRACE_S
from llmdesk.providers.command.signals import is_alive
from tests.support.fault_server import until
from tests.support.slowness import PATIENCE_S, allowed
from tests.support.tool_play import HOLD, Play, answer, ask, text_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from llmdesk.core.types import ProviderEvent

CANCEL_S = 0.2
LONG = "Hello there. " * 10


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    folder = tmp_path / "play"
    folder.mkdir()
    runs = tmp_path / "runs"
    runs.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(runs))
    return Play(folder=folder)


def folders() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{RUN_PREFIX}*"))


# --- what it is given ---


async def test_the_prompt_comes_on_stdin_byte_for_byte_and_the_answer_back(play: Play) -> None:
    play.script({"out": "Hello.\n"})
    prompt = "Grüß\r\ndich \u2028 {model} --yolo '; id\0end" + "x" * 200_000
    events = await answer(play.provider(), ask(prompt))
    assert events[:-1] == [TextDelta("Hello.")]
    assert isinstance(events[-1], Completed)
    assert events[-1].served_model == "m"
    assert events[-1].usage.input_tokens is None
    assert play.once().stdin == prompt.encode()


async def test_a_prompt_on_the_command_line_is_one_word_and_a_nul_is_noted(play: Play) -> None:
    play.script({"out": "ok"})
    events = await answer(play.provider("--", "{prompt}", stdin=""), ask("x' --yolo '; id {m.__init__} -\0"))
    seen = play.once()
    assert seen.argv == ["--", "x' --yolo '; id {m.__init__} -"]
    assert seen.stdin == b""
    assert isinstance(events[-1], Completed)
    assert len(events[-1].notes) == 1


async def test_its_environment_is_what_the_settings_say_and_nothing_of_ours(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "CLAUDECODE", "SECRET_THING"):
        monkeypatch.setenv(name, "ours")
    play.script({"out": "ok"})
    env = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "TOOL_KEY": "named", "EMPTY": ""}
    await answer(play.provider(env=env))
    seen = play.once().env
    assert seen.pop(RUN_FOLDER).startswith(tempfile.gettempdir())
    seen.pop("LC_CTYPE", None)  # Python's own, for a C locale
    assert seen == {"PATH": os.environ["PATH"], "HOME": "/nowhere", "TOOL_KEY": "named"}


async def test_it_works_in_an_empty_private_folder_without_a_terminal_that_is_removed(play: Play) -> None:
    play.script({"out": "ok"})
    await answer(play.provider())
    seen = play.once()
    assert seen.listing == []
    assert seen.folder_mode == 0o700
    assert not seen.terminal
    assert seen.group == seen.pid != os.getpgid(0)
    assert folders() == []


async def test_it_works_where_the_settings_say(play: Play, tmp_path: Path) -> None:
    play.script({"out": "ok"})
    (tmp_path / "home" / "project").mkdir(parents=True)
    await answer(play.provider(cwd="~/project", env={**play.env, "HOME": str(tmp_path / "home")}))
    assert play.once().cwd == str(tmp_path / "home" / "project")
    assert (tmp_path / "home" / "project").exists()
    with pytest.raises(SetupBroken, match=r"the folder /no/such \(cwd\) is not there"):
        await answer(play.provider(cwd="/no/such"))
    assert folders() == []


async def test_files_of_a_request_are_there_while_it_runs_and_gone_afterwards(play: Play) -> None:
    play.script({"out": "ok"})
    image = b"\x89PNG data"
    messages = (Message(role=Role.SYSTEM, content="S"), Message(role=Role.USER, content="P", images=(image,)))
    words = (["--system={file:system}"], ["--schema={file:schema}"], ["--image={file:image}"], "{file}")
    await answer(play.provider(*words), ask(messages=messages, format={"type": "object"}))
    files = play.once().files
    assert [data for data, _ in files.values()] == [b"S", b'{"type": "object"}', image, b"P"]
    assert {mode for _, mode in files.values()} == {0o600}
    assert not any(Path(name).exists() for name in files)


async def test_the_program_is_found_on_its_own_path_and_named_with_how_to_install_it(
    play: Play, tmp_path: Path
) -> None:
    tool = tmp_path / "bin" / "mytool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho from $0\n")
    tool.chmod(0o755)
    told = {"command": ["mytool"], "env": {"PATH": f"{tool.parent}:/bin:/usr/bin"}, "install": "apt install mytool"}
    provider = play.provider(**told)
    assert text_of(await answer(provider)) == f"from {tool}"
    assert (await provider.check()).message == f"{tool}; sign-in not tried"
    gone = play.provider(**{**told, "env": {"PATH": "/nowhere"}})
    for call in (lambda: answer(gone), gone.check):
        with pytest.raises(SetupBroken) as caught:
            await call()
        assert str(caught.value) == "tool: mytool is not on the PATH. Install it: apt install mytool"


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [("\x7fELF nonsense", 0o755, "is no program this machine can run"), ("#!/bin/sh\n", 0o644, "cannot be run"),
     ("#!/no/such/interpreter\n", 0o755, "is not there")],
)  # fmt: skip
async def test_what_cannot_be_run_says_why_and_never_quotes_the_prompt(
    play: Play, tmp_path: Path, content: str, mode: int, reason: str
) -> None:
    tool = tmp_path / "tool"
    tool.write_text(content)
    tool.chmod(mode)
    with pytest.raises(SetupBroken, match=reason) as caught:
        await answer(play.provider(command=[str(tool), "--", "{prompt}"]), ask("my secret plan"))
    assert "secret plan" not in str(caught.value)
    assert folders() == []


async def test_models_are_those_of_the_settings_and_embeddings_are_refused(play: Play) -> None:
    provider = play.provider(models=["a", "b"])
    assert [model.name for model in await provider.list_models()] == ["a", "b"]
    with pytest.raises(RequestRejected) as caught:
        await answer(provider, ask(endpoint="embed"))
    assert caught.value.target_specific


# --- what it prints ---


async def test_text_streams_while_it_is_printed(play: Play) -> None:
    play.script({"out": LONG}, {"pause": 0.3}, {"out": "The end.\n"})
    begun = time.monotonic()
    came = [(time.monotonic() - begun, event) async for event in play.provider().stream(ask())]
    assert "".join(e.text for _, e in came if isinstance(e, TextDelta)) == LONG + "The end."
    assert came[-1][0] - came[0][0] > 0.2


async def test_a_program_that_writes_much_to_stderr_does_not_stand_still(play: Play) -> None:
    play.script({"err": "x" * 1_000_000}, {"out": "ok"})
    assert text_of(await answer(play.provider())) == "ok"


async def test_a_program_that_reads_nothing_does_not_stand_still(play: Play) -> None:
    play.script({"do": "read nothing"}, {"out": "ok"})
    assert text_of(await answer(play.provider(), ask("x" * 1_000_000))) == "ok"


async def test_the_last_piece_is_the_answer_and_those_before_it_are_reasoning(play: Play) -> None:
    play.script({"out": '{"t": "Let me see."}\n{"other": 1}\nnoise\n{"t": "42"}\n{"n": 3}\n{"n": 4}'})
    output = {"jsonl": "$.t", "keep": "last", "usage": {"output_tokens": ["$.n"]}}
    events = await answer(play.provider(output=output))
    assert events[:-1] == [ReasoningDelta("Let me see.\n\n"), TextDelta("42")]
    assert isinstance(events[-1], Completed)
    assert events[-1].usage.output_tokens == 4


async def test_a_json_document_may_come_after_a_banner_and_hold_an_object(play: Play) -> None:
    play.script({"out": 'Loaded cached credentials.\n{"a": {"b": [1, "ä"]}, "m": "big", "u": {"i": 1, "c": 2}}\n'})
    output = {"json": ["$.none", "$.a"], "model": "$.m", "usage": {"input_tokens": ["$.u.i", "$.u.c"]}}
    events = await answer(play.provider(output=output))
    assert text_of(events) == '{"b": [1, "ä"]}'
    assert isinstance(events[-1], Completed)
    assert (events[-1].served_model, events[-1].usage.input_tokens) == ("big", 3)


async def test_a_run_that_failed_tells_the_tokens_it_had_reported(play: Play) -> None:
    line = '{"failed": true, "result": "boom", "u": {"i": 30, "c": 20, "w": 5, "o": 7, "r": 3}}'
    usage = {
        "input_tokens": "$.u.i", "output_tokens": "$.u.o", "cached_input_tokens": "$.u.c",
        "cache_write_tokens": "$.u.w", "reasoning_tokens": "$.u.r",
    }  # fmt: skip
    output = {"jsonl": "$.t", "failed": "$.failed", "error": "$.result", "usage": usage}
    play.script({"out": line + "\n"}, {"exit": 1})
    with pytest.raises(ServerFailed) as caught:
        await answer(play.provider(output=output))
    assert caught.value.usage == Usage(
        input_tokens=30, output_tokens=7, cached_input_tokens=20, cache_write_tokens=5, reasoning_tokens=3
    )
    play.script({"out": '{"failed": true, "result": "boom"}\n'})
    with pytest.raises(ServerFailed) as caught:
        await answer(play.provider(output=output))
    assert caught.value.usage is None


async def test_a_run_that_says_it_failed_has_failed_whatever_its_exit_code(play: Play) -> None:
    play.script({"out": '{"failed": true, "result": "no credit left"}'})
    output = {"json": "$.result", "failed": "$.failed", "error": "$.result"}
    with pytest.raises(ServerFailed, match="no credit left"):
        await answer(play.provider(output=output))
    play.script({"out": '{"failed": false, "result": "fine"}'})
    assert text_of(await answer(play.provider(output=output))) == "fine"


async def test_endless_output_is_cut_and_killed_in_bounded_memory(play: Play) -> None:
    play.script({"flood": "spam "})
    sizes: list[int] = []

    async def consume() -> None:
        async for event in play.provider(caps=Caps(answer=2 << 20)).stream(ask()):
            assert isinstance(event, TextDelta)
            sizes.append(len(event.text))

    with pytest.raises(AnswerCut, match="more than 2 MiB"):
        await consume()
    assert max(sizes) <= 80 + CHUNK
    assert sum(sizes) <= 2 << 20
    await until(play.nothing_runs)


async def test_output_that_is_no_text_counts_as_what_it_becomes(play: Play) -> None:
    """Each byte that is no UTF-8 becomes three."""
    play.script({"hex": "ff" * (1 << 20)})
    with pytest.raises(AnswerCut, match="more than 2 MiB"):
        await answer(play.provider(caps=Caps(answer=2 << 20)))


# --- how it ends ---


async def ended(stream: AsyncGenerator[ProviderEvent, None]) -> float:
    """Cancel a request after its first event; how long its caller waited for control, seconds."""
    some = asyncio.Event()

    async def consume() -> None:
        async with aclosing(stream) as events:
            async for _ in events:
                some.set()

    asking = asyncio.create_task(consume())
    await asyncio.wait_for(some.wait(), PATIENCE_S)
    begun = time.monotonic()
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    return time.monotonic() - begun


async def test_cancelling_ends_the_whole_group_with_its_grandchild_and_leaves_nothing(play: Play) -> None:
    play.script({"child": ""}, {"out": LONG}, HOLD)
    provider = play.provider()
    begun = time.monotonic()
    assert await ended(provider.stream(ask())) < allowed(CANCEL_S)
    await until(play.nothing_runs, limit_s=allowed(1.0))
    await provider.aclose()
    assert folders() == []
    assert time.monotonic() - begun < allowed(5.0)
    with pytest.raises(ChildProcessError):
        os.waitpid(play.once().pid, os.WNOHANG)  # reaped: no zombie is left


async def test_what_does_not_end_on_term_is_killed_after_the_grace_while_the_caller_goes_on(play: Play) -> None:
    play.script({"ignore": "SIGTERM"}, {"child": "stubborn"}, {"out": LONG}, HOLD)
    provider = play.provider()
    begun = time.monotonic()
    assert await ended(provider.stream(ask())) < allowed(CANCEL_S)
    assert not play.nothing_runs()
    await until(play.nothing_runs, limit_s=GRACE_S + allowed(1.5))
    assert time.monotonic() - begun > GRACE_S
    await provider.aclose()


async def test_closing_kills_at_once_what_takes_its_time(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_module, "GRACE_S", 30.0)
    play.script({"ignore": "SIGTERM"}, {"child": "stubborn"}, {"out": LONG}, HOLD)
    provider = play.provider()
    await ended(provider.stream(ask()))
    begun = time.monotonic()
    await provider.aclose()
    assert time.monotonic() - begun < 10.0
    assert play.nothing_runs()
    assert folders() == []


@pytest.mark.parametrize("kind", ["", "stubborn"])
async def test_a_grandchild_that_holds_stdout_open_delays_no_answer_and_is_ended(play: Play, kind: str) -> None:
    play.script({"child": kind}, {"out": "The answer.\n"})
    begun = time.monotonic()
    provider = play.provider()
    events = [event async for event in provider.stream(ask())]
    assert text_of(events) == "The answer."
    assert time.monotonic() - begun < 20.0
    await provider.aclose()
    assert play.nothing_runs()


async def test_a_grandchild_that_goes_on_printing_keeps_nobody(play: Play) -> None:
    play.script({"out": "The answer.\n"}, {"chatter": "noise"})
    provider = play.provider()
    assert text_of(await answer(provider)).startswith("The answer.")
    assert play.nothing_runs()


async def test_lines_that_only_look_like_json_hide_no_failure_and_pass_in_no_answer(play: Play) -> None:
    play.script({"out": '{"t": "a"}\n{ Error: nothing\n'}, {"err": "usage limit\n"}, {"exit": 1})
    told = {"output": {"jsonl": "$.t"}, "limits": {"quota": ["usage limit"]}}
    with pytest.raises(QuotaReached):
        await answer(play.provider(**told))
    play.script({"out": '{"t": "a"}\n{"t": "b\n{"t": "c"}\n'})
    with pytest.raises(AnswerCut, match="damaged"):
        await answer(play.provider(**told))


async def test_a_grandchild_in_a_session_of_its_own_delays_no_answer(play: Play) -> None:
    play.script({"child": "own session"}, {"out": "The answer.\n"})
    begun = time.monotonic()
    assert text_of(await answer(play.provider())) == "The answer."
    assert time.monotonic() - begun < 20.0
    _end_strangers(play)


def _end_strangers(play: Play) -> None:
    """End what left its group on purpose: it is known by the mark in its environment."""
    mark = f"{RUN_FOLDER}={play.once().env[RUN_FOLDER]}".encode()
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


@pytest.mark.parametrize(
    ("steps", "limits", "says"),
    [
        ([HOLD], Timeouts(first_token_s=0.3), "no answer for 0.3 s"),
        ([{"err": "still busy\n"}, HOLD], Timeouts(first_token_s=0.3), "no answer for 0.3 s"),
        ([{"out": "Hel"}, HOLD], Timeouts(first_token_s=20, idle_s=0.3), "silent for 0.3 s"),
        ([{"out": "Hel"}, HOLD], Timeouts(first_token_s=20, total_s=0.6), "no complete answer within 0.6 s"),
    ],
)
async def test_silence_ends_the_run_and_its_group(
    play: Play, steps: list[dict[str, str]], limits: Timeouts, says: str
) -> None:
    play.script({"child": ""}, *steps)
    provider = play.provider(timeouts=limits)
    with pytest.raises(NoAnswer, match=says) as caught:
        await answer(provider)
    assert caught.value.last == ("complete" in says)
    assert play.nothing_runs()


async def test_a_program_that_closes_stdout_and_stays_is_ended_by_the_limits(play: Play) -> None:
    code = "import os, time; os.write(1, b'x'); os.close(1); time.sleep(600)"
    provider = play.provider(command=[*play.words()[:3], "-c", code], timeouts=Timeouts(first_token_s=20, idle_s=0.4))
    with pytest.raises(NoAnswer):
        await answer(provider)


async def test_a_failure_leaves_the_text_that_came_before_it_as_discarded(play: Play) -> None:
    play.script({"out": LONG}, {"err": "boom\n"}, {"exit": 7})
    texts: list[str] = []

    async def consume() -> None:
        async for event in play.provider().stream(ask()):
            texts.append(text_of([event]))  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(ServerFailed) as caught:
        await consume()
    assert "".join(texts) == LONG
    assert str(caught.value) == "tool: the program failed with exit code 7 (boom)."
    assert caught.value.details == "boom"


async def test_many_runs_at_once_neither_mix_nor_leave_anything(play: Play) -> None:
    play.script({"out": "ok"})
    provider = play.provider("{model}")
    found = await asyncio.gather(*(_collect(provider, f"m{number}") for number in range(10)))
    assert [text_of(events) for events in found] == ["ok"] * 10
    await provider.aclose()
    assert {tuple(seen.argv) for seen in play.seen()} == {(f"m{number}",) for number in range(10)}
    assert {seen.stdin for seen in play.seen()} == {f"prompt of m{number}".encode() for number in range(10)}
    assert folders() == []


async def _collect(provider: CommandProvider, model: str) -> list[ProviderEvent]:
    return [event async for event in provider.stream(ask(f"prompt of {model}", model=model))]


async def test_every_group_is_recorded_while_it_runs_and_forgotten_when_it_is_gone(play: Play) -> None:
    noted: list[tuple[str, int]] = []

    def record(group: int, folder: Path) -> object:
        assert folder.name.startswith(RUN_PREFIX)
        noted.append(("began", group))

        def forget() -> None:
            assert not group or not (is_alive(group) or folder.exists())
            noted.append(("gone", group))

        return forget

    play.script({"child": "stubborn"}, {"out": LONG}, {"exit": 1})
    provider = play.provider(record_group=record)
    with pytest.raises(ProviderError):
        await answer(provider)
    group = play.once().pid
    assert noted == [("began", 0), ("began", group), ("gone", 0), ("gone", group)]
    noted.clear()
    with pytest.raises(SetupBroken):
        await answer(play.provider(command=["/no/such/program"], record_group=record))
    assert noted == [("began", 0), ("gone", 0)]


async def test_cancelling_while_it_is_being_started_leaves_nothing(play: Play) -> None:
    play.script({"out": "ok"}, HOLD)
    provider = play.provider()
    for pause in (0, 0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03):
        asking = asyncio.create_task(_collect(provider, "m"))
        await asyncio.sleep(pause)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
    await provider.aclose()
    await until(lambda: play.nothing_runs() and not folders())


async def test_cancelling_again_and_again_while_it_is_being_started_leaves_nothing(play: Play) -> None:
    play.script(HOLD)
    provider = play.provider("{file:prompt}")
    for pause in range(12):
        asking = asyncio.create_task(_collect(provider, "x" * 1_000_000))
        for _ in range(pause):
            await asyncio.sleep(0)
        while not asking.done():
            asking.cancel()
            await asyncio.sleep(0)
    await provider.aclose()
    assert folders() == []


async def test_a_prompt_that_nobody_reads_to_its_end_is_no_news(play: Play) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    holds_stdin = "import subprocess; subprocess.Popen(['sleep', '1'], start_new_session=True); print('done')"
    provider = play.provider(command=[*play.words()[:3], "-c", holds_stdin])
    assert text_of(await answer(provider, ask("x" * 100_000))) == "done"
    await asyncio.sleep(0)
    assert complaints == []


async def test_a_relative_program_is_the_one_in_the_working_folder_that_is_set_and_no_other(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    tool = tmp_path / "mine" / "tool"
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    monkeypatch.chdir(tmp_path / "mine")
    for call in (lambda provider: provider.check(), answer):
        with pytest.raises(SetupBroken, match=r"tool: \./tool is no whole path\. Write it from / or ~/ on, or set cwd"):
            await call(play.provider(command=["./tool"]))
    monkeypatch.chdir(tmp_path)
    provider = play.provider(command=["./tool"], cwd=str(tmp_path / "mine"))
    assert (await provider.check()).message.startswith(f"{tool};")
    assert text_of(await answer(provider)) == "mine"


async def test_a_place_without_room_for_the_private_folder_is_told(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.script({"out": "ok"})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(SetupBroken, match=r"no private folder for the program in .*gone: No such file"):
        await answer(play.provider())


def test_a_path_that_is_none_is_told_when_the_provider_is_made(play: Play) -> None:
    endpoint = Endpoint(name="tool", base_url="", options={"command": ["x"], "output": {"json": "$["}})
    with pytest.raises(SetupBroken, match="tool: output: "):
        CommandProvider(endpoint)
    assert not play.provider().native_schema
    assert play.provider(["{file:schema}"]).native_schema


async def test_wishes_a_program_cannot_be_told_are_told_with_the_answer(play: Play) -> None:
    play.script({"out": "Hello"})
    wishes = Params(temperature=0.2, reasoning="off", max_output_tokens=50)
    events = await answer(play.provider(), ask(params=wishes))
    last = events[-1]
    assert isinstance(last, Completed)
    assert last.notes == ("tool/m takes no temperature, no max_output_tokens: left out.",)
