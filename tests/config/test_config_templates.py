from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from llmdesk.config import fetch as fetch_module
from llmdesk.config.secret import Secret, resolve_secret
from llmdesk.config.template import (
    MAX_DEPTH,
    TemplateError,
    escape,
    fill,
    has_command,
    literal_text,
    missing_names,
    parse_template,
)
from llmdesk.core.errors import SetupBroken
from llmdesk.core.text import redact
from tests.support.slowness import PATIENCE_S

NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}\Z")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${A}", "apple"),
        ("x${A}y${B}z", "xappleybz"),
        ("${MISSING:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${A:-fallback}", "apple"),
        ("${MISSING:-}", ""),
        ("${MISSING:-http://127.0.0.1:11434}", "http://127.0.0.1:11434"),
        ("${MISSING:-${A}}", "apple"),
        ("${MISSING:-a$${b}", "a${b"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$A costs 5$", "$A costs 5$"),
        ("$.result", "$.result"),
    ],
)
def test_a_template_is_filled_from_the_environment(template: str, text: str) -> None:
    env = {"A": "apple", "B": "b", "EMPTY": ""}
    parts = parse_template(template)
    assert missing_names(parts, env) == ()
    assert fill(parts, env) == text


@pytest.mark.parametrize(
    "template", ["${", "${A", "${A:-x", "${}", "${1A}", "${A-x}", "$(", "$(x", "$()", "$( )", "${A:-${B}", "$(a 'b)"]
)
def test_a_template_that_is_not_closed_or_names_nothing_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        parse_template(template)


def test_defaults_within_defaults_end_before_they_hurt() -> None:
    assert fill(parse_template("${A:-" * MAX_DEPTH + "end" + "}" * MAX_DEPTH), {}) == "end"
    for levels in (MAX_DEPTH + 1, 10_000):
        with pytest.raises(TemplateError, match=f"more than {MAX_DEPTH} levels"):
            parse_template("${A:-" * levels + "end" + "}" * levels)


@given(st.text())
def test_any_escaped_text_stands_for_itself(text: str) -> None:
    assert fill(parse_template(escape(text)), {}) == text


@given(st.text(), st.text(min_size=1), st.text(), NAMES)
def test_a_value_of_the_environment_comes_through_untouched_whatever_it_holds(
    before: str, value: str, after: str, name: str
) -> None:
    template = escape(before) + f"${{{name}}}" + escape(after)
    assert fill(parse_template(template), {name: value}) == before + value + after


@given(st.text().filter(lambda text: "}" not in text), NAMES)
def test_a_default_comes_through_untouched(default: str, name: str) -> None:
    assert fill(parse_template(f"${{{name}:-{escape(default)}}}"), {}) == default


@given(st.text(alphabet="${}():-A \"'x"))
def test_any_text_is_a_template_or_refused_and_nothing_else(text: str) -> None:
    try:
        parts = parse_template(text)
    except TemplateError:
        return
    if not has_command(parts) and not missing_names(parts, {}):
        assert isinstance(fill(parts, {}), str)


def test_what_is_missing_and_what_is_literal_is_known_without_filling() -> None:
    parts = parse_template("Bearer ${A}${B:-literal}${C:-${D}}$(program)")
    assert missing_names(parts, {}) == ("A", "C")
    assert missing_names(parts, {"A": "x", "D": "y"}) == ()
    assert literal_text(parts) == "Bearer literal"
    assert has_command(parts)


# --- secrets ----------------------------------------------------------------------------------------------------------


class Holder(BaseModel):
    model_config = ConfigDict(strict=True)
    key: Secret


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("sk-literal-value", "***"),
        ("${NAME}", "${NAME}"),
        ("${NAME:-sk-literal-value}", "${NAME:-***}"),
        ("Bearer ${NAME}", "***${NAME}"),
        ("$(pass show sk-literal-value)", "$(pass …)"),
        ("$(broken", "***"),
    ],
)
def test_a_secret_shows_names_but_never_a_value(template: str, shown: str) -> None:
    holder = Holder(key=Secret(template))
    assert holder.key.shown == shown
    for text in (repr(holder), str(holder.key), holder.model_dump_json(), repr(holder.model_dump(mode="json"))):
        assert "sk-literal-value" not in text


def test_a_secret_resolves_variables_strips_and_teaches_the_redactor() -> None:
    assert resolve_secret("${CANARY_ONE}", {"CANARY_ONE": "  canary-value-one\n"}) == "canary-value-one"
    assert redact("it was canary-value-one") == "it was ***"
    assert resolve_secret("${GONE}", {}) is None
    assert resolve_secret("${GONE:-}", {}) is None


def test_a_value_no_header_can_hold_is_refused_by_the_name_of_its_variable() -> None:
    with pytest.raises(SetupBroken) as caught:
        resolve_secret("${WEIRD}", {"WEIRD": "käse-geheim"}, provider="openai")
    assert str(caught.value) == "openai: $WEIRD holds characters no key has (printable ASCII only)."
    assert "geheim" not in caught.value.details


def python(code: str) -> str:
    return f'$({sys.executable} -c "{code}")'


def test_a_command_gives_its_output_without_the_newline_and_without_a_shell() -> None:
    env = dict(os.environ)
    assert resolve_secret(python("print('key-from-command')"), env) == "key-from-command"
    assert resolve_secret("Bearer " + python("print('abc')"), env) == "Bearer abc"
    assert (
        resolve_secret(python("import sys; print(repr(sys.argv[1:]))")[:-1] + " ; $HOME *)", env)
        == "[';', '$HOME', '*']"
    )


def test_a_command_cannot_ask_and_sees_no_key_of_a_provider() -> None:
    env = {**os.environ, "OPENAI_API_KEY": "sk-canary", "VAULT_TOKEN": "t"}
    assert resolve_secret(python("import sys; print(len(sys.stdin.read()))"), env) == "0"
    code = "import os; print('OPENAI_API_KEY' in os.environ, 'VAULT_TOKEN' in os.environ)"
    assert resolve_secret(python(code), env) == "False True"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("$(/no/such/program-at-all x)", "gem: /no/such/program-at-all in $(…): No such file or directory."),
        (python("print('leak'); raise SystemExit(3)"), f"gem: {sys.executable} in $(…) failed with exit code 3."),
        (
            python("import sys; sys.stdout.buffer.write(bytes([255]))"),
            f"gem: {sys.executable} in $(…) gave something that is not text.",
        ),
    ],
)
def test_a_failing_command_is_named_and_its_output_is_not(template: str, message: str) -> None:
    with pytest.raises(SetupBroken) as caught:
        resolve_secret(template, dict(os.environ), provider="gem")
    assert str(caught.value) == message


@pytest.mark.skipif(os.name != "posix", reason="process groups are a POSIX idea")
def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, pid_file = tmp_path / "hang.sh", tmp_path / "pid"
    script.write_text(f"sleep 60 &\necho $! >{pid_file}.new\nmv {pid_file}.new {pid_file}\nwait\n")

    def clock() -> float:
        """The time is over as soon as there is something to be ended."""
        return time.monotonic() + (1_000 if pid_file.exists() else 0)

    monkeypatch.setattr(fetch_module, "time", SimpleNamespace(monotonic=clock))
    began = time.monotonic()
    with pytest.raises(SetupBroken, match="gave no key within"):
        resolve_secret(f"$(sh {script})", dict(os.environ), provider="gem")
    status = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    while status.exists() and status.read_text().split()[2] not in "ZX":
        assert time.monotonic() - began < 40


@pytest.mark.skipif(os.name != "posix", reason="process groups are a POSIX idea")
def test_a_command_that_leaves_something_running_gives_its_key_at_once_and_nothing_stays(tmp_path: Path) -> None:
    script, pid_file = tmp_path / "key.sh", tmp_path / "pid"
    script.write_text(f"sleep 60 &\necho $! >{pid_file}\necho the-key\n")
    began = time.monotonic()
    assert resolve_secret(f"$(sh {script})", dict(os.environ)) == "the-key"
    assert time.monotonic() - began < 20
    status = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    while status.exists() and status.read_text().split()[2] not in "ZX":
        assert time.monotonic() - began < 40


def test_what_a_command_has_printed_is_read_though_nothing_of_it_was_before_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = threading.Event()
    read, end = fetch_module._read, fetch_module._end

    def read_late(*args: Any) -> None:
        assert ended.wait(60)
        read(*args)

    def tell_and_end(*args: Any) -> None:
        end(*args)
        ended.set()

    monkeypatch.setattr(fetch_module, "_read", read_late)
    monkeypatch.setattr(fetch_module, "_end", tell_and_end)
    monkeypatch.setattr(fetch_module, "STOP_S", 0.0)
    monkeypatch.setattr(fetch_module, "DRAIN_S", PATIENCE_S)
    assert resolve_secret(python("print('the-key')"), dict(os.environ)) == "the-key"


def test_a_command_that_prints_more_than_a_key_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "FETCH_LIMIT_S", 60.0)
    began = time.monotonic()
    with pytest.raises(SetupBroken, match=r"^gem: .* in \$\(…\) printed more than a key can be\.$"):
        resolve_secret(python("while True: print('spam' * 1000)"), dict(os.environ), provider="gem")
    assert time.monotonic() - began < 20
