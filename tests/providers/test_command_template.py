"""What a program is told: words, stdin and private files, exactly and never through a shell (policy T9, T10)."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmdesk.core.errors import RequestRejected, SetupBroken
from llmdesk.core.types import Message, Params, Role
from llmdesk.providers.command.template import MAX_WORD, Template, prompt_text
from tests.support.tool_play import ask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from llmdesk.core.types import ChatRequest
    from llmdesk.providers.command.template import Filled

HOSTILE = ["x' --yolo '; id", "{m.__init__.__globals__}", "{model}", "{prompt}", "$(id)", "`id`", "--help", "-", "a\nb"]
SCHEMA = {"type": "object"}
PNG, JPEG = b"\x89PNG\r\n", b"\xff\xd8\xff"


def fill(words: Sequence[str | Sequence[str]], folder: Path, request: ChatRequest, stdin: str = "") -> Filled:
    return Template("tool", words, stdin).fill(request, folder)


@pytest.mark.parametrize("prompt", HOSTILE)
def test_a_hostile_prompt_is_one_word_as_it_is(tmp_path: Path, prompt: str) -> None:
    filled = fill(["p", "--model={model}", "--", "{prompt}"], tmp_path, ask(prompt, model="m"))
    assert filled.argv == ("p", "--model=m", "--", prompt)
    assert fill(["p"], tmp_path, ask(prompt), "{prompt}").stdin == prompt.encode()


@given(prompt=st.text(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_prompt_goes_through_byte_for_byte(tmp_path: Path, prompt: str) -> None:
    filled = fill(["p", "--", "{prompt}"], tmp_path, ask(prompt), "<{prompt}>")
    assert filled.stdin == f"<{prompt}>".encode("utf-8", "replace")
    assert filled.argv[-1] == prompt.replace("\0", "")


def test_a_nul_is_taken_out_of_the_command_line_with_a_note_and_kept_on_stdin(tmp_path: Path) -> None:
    filled = fill(["p", "--", "{prompt}"], tmp_path, ask("a\0b"), "{prompt}")
    assert filled.argv[-1] == "ab"
    assert filled.stdin == b"a\0b"
    assert filled.notes == ("tool: NUL characters were taken out of the prompt: a command line holds none.",)
    assert fill(["p"], tmp_path, ask("a\0b"), "{prompt}").notes == ()


def test_a_prompt_too_long_for_a_word_is_refused_for_this_target_only(tmp_path: Path) -> None:
    assert len(fill(["p", "--", "{prompt}"], tmp_path, ask("é" * (MAX_WORD // 2))).argv[-1]) == MAX_WORD // 2
    with pytest.raises(RequestRejected, match="too long for a command line") as caught:
        fill(["p", "--", "{prompt}"], tmp_path, ask("é" * (MAX_WORD // 2 + 1)))
    assert caught.value.target_specific
    assert len(fill(["p"], tmp_path, ask("x" * 3_000_000), "{prompt}").stdin) == 3_000_000


def test_an_optional_group_is_there_when_all_its_values_are(tmp_path: Path) -> None:
    words = ["p", ["--model", "{model}"], ["--max", "{max_tokens}"], ["--schema={file:schema}"], ["--plain"]]
    assert fill(words, tmp_path, ask(model="default")).argv == ("p", "--plain")
    request = ask(model="m", params=Params(max_output_tokens=7), format=SCHEMA)
    argv = fill(words, tmp_path, request).argv
    assert argv[:5] == ("p", "--model", "m", "--max", "7")
    assert json.loads((tmp_path / "schema.json").read_text()) == SCHEMA
    assert argv[5] == f"--schema={tmp_path / 'schema.json'}"


@pytest.mark.parametrize("word", ["{max_tokens}", "--system={file:system}", "{file:schema}", "{file:image}"])
def test_a_word_that_must_stand_and_has_no_value_says_what_to_do(tmp_path: Path, word: str) -> None:
    with pytest.raises(SetupBroken, match="has no value in this request; put the words") as caught:
        fill(["p", word], tmp_path, ask(format="json"))
    assert word.partition("{")[2] in str(caught.value)


def test_files_are_private_and_hold_what_they_are_named_for(tmp_path: Path) -> None:
    messages = (Message(role=Role.SYSTEM, content="Be brief."), Message(role=Role.USER, content="Hi {model}\0."))
    filled = fill(["p", "{file}", "{file:prompt}", "{file:system}"], tmp_path, ask(messages=messages))
    prompt, again, system = (tmp_path / word.rpartition("/")[2] for word in filled.argv[1:])
    assert prompt == again
    assert prompt.read_bytes() == b"Hi {model}\0."  # the system prompt has its own file, so it is not repeated
    assert system.read_text() == "Be brief."
    assert stat.S_IMODE(prompt.stat().st_mode) == stat.S_IMODE(system.stat().st_mode) == 0o600


def test_images_become_files_one_group_each_and_are_refused_where_no_place_is_for_them(tmp_path: Path) -> None:
    message = Message(role=Role.USER, content="What is it?", images=(PNG, JPEG))
    argv = fill(["p", ["-i", "{file:image}"], "-"], tmp_path, ask(messages=(message,))).argv
    assert argv == ("p", "-i", str(tmp_path / "image-1.png"), "-i", str(tmp_path / "image-2.jpg"), "-")
    assert (tmp_path / "image-2.jpg").read_bytes() == JPEG
    bitmap = Message(role=Role.USER, content="And this?", images=(b"BM" + bytes(60),))
    (argv,) = fill(["{file:image}"], tmp_path, ask(messages=(bitmap,))).argv
    assert argv == str(tmp_path / "image-1.bmp")
    assert fill(["p", ["-i", "{file:image}"], "-"], tmp_path, ask()).argv == ("p", "-")
    with pytest.raises(RequestRejected, match="cannot be given images") as caught:
        fill(["p"], tmp_path, ask(messages=(message,)), "{prompt}")
    assert caught.value.target_specific


def test_a_prompt_can_stand_in_json(tmp_path: Path) -> None:
    prompt = 'say "hi"\n{model} \u2028'
    filled = fill(["p"], tmp_path, ask(prompt), '{"event": "user", "message": {"content": {prompt:json}}}')
    assert json.loads(filled.stdin) == {"event": "user", "message": {"content": prompt}}


def test_one_message_is_the_prompt_and_more_are_labelled_with_the_last_as_it_is() -> None:
    last = Message(role=Role.USER, content="  And\r\nnow?\n")
    assert prompt_text([last]) == last.content
    messages = [
        Message(role=Role.SYSTEM, content="Be brief."),
        Message(role=Role.USER, content="One?"),
        Message(role=Role.ASSISTANT, content="Two."),
        last,
    ]
    text = prompt_text(messages)
    assert text == f"# Instructions\n\nBe brief.\n\n# User\n\nOne?\n\n# Assistant\n\nTwo.\n\n# User\n\n{last.content}"
    assert prompt_text([]) == ""
