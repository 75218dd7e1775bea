"""Keys from the system's keychain: fetched late, in a process of its own, within a time limit, never shown."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdesk.config import convert
from llmdesk.config import fetch as fetch_module
from llmdesk.config.credentials import resolve_beside, resolve_secrets
from llmdesk.config.loader import load_settings, validate
from llmdesk.config.secret import Secret, resolve_secret
from llmdesk.config.show import show
from llmdesk.config.template import Entry, TemplateError, Variable, escape, fill, parse_template
from llmdesk.core.errors import SetupBroken
from llmdesk.core.text import redact
from tests.support.fault_server import until
from tests.support.keychains import ROOT, filled, keychain

TEMPLATE = "${keyring:llmdesk/openai}"
CANARY = "canary-of-the/keychain+0123456789"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("${keyring:llmdesk/openai}", Entry("llmdesk", "openai")),
        ("${keyring:https://api.openai.com/me}", Entry("https://api.openai.com", "me")),
        ("${keyring:a b/c d}", Entry("a b", "c d")),
        ("${keyring:-other}", Variable("keyring", ("other",))),
        ("${keyring}", Variable("keyring")),
        ("${A:-${keyring:s/n}}", Variable("A", (Entry("s", "n"),))),
    ],
)
def test_an_entry_is_told_from_a_variable(text: str, part: object) -> None:
    assert parse_template(text) == (part,)


@pytest.mark.parametrize("text", ["${keyring:}", "${keyring:a}", "${keyring:/a}", "${keyring:a/}", "${keyring:a/\n}"])
def test_an_entry_without_service_or_name_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(TemplateError, match=r"\$\{keyring:SERVICE/NAME\}"):
        parse_template(text)


WORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x17F, exclude_characters="}\x7f\xad"), min_size=1
).filter(str.isprintable)


@given(WORDS.filter(lambda text: not text.startswith("-")), WORDS.filter(lambda text: "/" not in text), st.text())
def test_any_service_and_name_are_read_back_whatever_stands_around(service: str, name: str, around: str) -> None:
    parts = parse_template(f"{escape(around)}${{keyring:{service}/{name}}}{escape(around)}")
    assert [part for part in parts if not isinstance(part, str)] == [Entry(service, name)]
    assert "".join(part for part in parts if isinstance(part, str)) == around * 2


@given(st.text())
def test_whatever_follows_the_word_is_an_entry_a_variable_or_refused(text: str) -> None:
    try:
        parts = parse_template(f"${{keyring:{text}}}")
    except TemplateError:
        return
    assert isinstance(parts[0], Entry | Variable)


def test_an_entry_that_is_not_closed_is_refused() -> None:
    with pytest.raises(TemplateError, match="not closed"):
        parse_template("${keyring:a/b")


def test_the_keychain_is_for_secrets_only() -> None:
    with pytest.raises(TemplateError, match="api_key, headers and env only"):
        fill(parse_template(TEMPLATE), {})


def test_an_entry_is_read_stripped_and_taught_to_the_redactor(tmp_path: Path) -> None:
    env = filled(tmp_path, openai=f" {CANARY}\n")
    assert resolve_secret(TEMPLATE, env) == CANARY
    assert resolve_secret(f"Bearer {TEMPLATE}", env) == f"Bearer {CANARY}"
    forms = (CANARY, quote(CANARY, safe=""), base64.b64encode(CANARY.encode()).decode())
    assert redact(" ".join(forms)) == "*** *** ***"


def test_the_environment_goes_first_where_the_keychain_is_the_default(tmp_path: Path) -> None:
    env = filled(tmp_path, openai=CANARY)
    template = f"${{MY_VARIABLE:-{TEMPLATE}}}"
    assert resolve_secret(template, {**env, "MY_VARIABLE": "from-the-environment"}) == "from-the-environment"
    assert not (tmp_path / "keychain.opened").exists()
    assert resolve_secret(template, env) == CANARY


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("LockedKeychain", "gem: the keychain is locked. Unlock it and try again."),
        ("BrokenKeychain", "gem: the keychain could not be read. Try: keyring get llmdesk openai"),
        (
            "keyring.backends.null.Keyring",
            "gem: the keychain has no entry llmdesk/openai. Store it: keyring set llmdesk openai",
        ),
        (
            "keyring.backends.fail.Keyring",
            "gem: this system has no keychain that can be used. Write ${NAME} or $(command) instead.",
        ),
        ("no.such.Backend", "gem: the keychain could not be read. Try: keyring get llmdesk openai"),
    ],
)
def test_each_way_a_keychain_fails_has_its_own_words(kind: str, message: str) -> None:
    with pytest.raises(SetupBroken) as caught:
        resolve_secret(TEMPLATE, keychain(kind), provider="gem")
    assert str(caught.value) == message
    assert "canary" not in f"{caught.value!r}{caught.value.details}"


def test_an_empty_entry_is_told_and_how_to_fill_it(tmp_path: Path) -> None:
    env = filled(tmp_path, openai=" ")
    with pytest.raises(SetupBroken, match=r"is empty\. Store it with: keyring set llmdesk openai"):
        resolve_secret(TEMPLATE, env, provider="gem")


def test_without_the_package_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SetupBroken) as caught:
        resolve_secret(TEMPLATE, {}, provider="gem")
    assert str(caught.value).endswith("Install it with: pip install 'llmdesk[keyring]'")


def test_a_keychain_that_waits_for_a_dialog_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "FETCH_LIMIT_S", 0.5)
    began = time.monotonic()
    with pytest.raises(SetupBroken, match=r"gave no answer within 0\.5 s"):
        resolve_secret(TEMPLATE, keychain("HangingKeychain"), provider="gem")
    assert time.monotonic() - began < 20


async def test_a_cancel_ends_what_runs_for_a_key_at_once(tmp_path: Path) -> None:
    file = tmp_path / "llmdesk.yaml"
    began, pid = tmp_path / "began", tmp_path / "pid"
    script = tmp_path / "slow.sh"
    script.write_text(f"#!/bin/sh\necho $$ > {pid}\nmv {pid} {began}\nexec sleep 60\n")
    script.chmod(0o700)
    file.write_text(f"providers: {{a: {{kind: openai, api_key: $({script})}}}}")
    file.chmod(0o600)
    loaded = load_settings(file, dict(os.environ))
    asked = asyncio.ensure_future(resolve_beside(loaded, "a", dict(os.environ)))
    await until(began.exists)
    process = Path(f"/proc/{began.read_text().strip()}")
    asked.cancel()
    cancelled = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await until(lambda: not process.exists())
    assert time.monotonic() - cancelled < 20


def test_the_folder_one_works_in_cannot_pose_as_the_keychain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = filled(tmp_path, openai=CANARY)
    (tmp_path / "keyring.py").write_text("raise SystemExit(99)")
    monkeypatch.chdir(tmp_path)
    assert resolve_secret(TEMPLATE, env) == CANARY


def test_a_configuration_with_entries_loads_and_shows_without_the_keychain(tmp_path: Path) -> None:
    env = filled(tmp_path, openai=CANARY)
    file = tmp_path / "llmdesk.yaml"
    file.write_text(f'providers: {{a: {{kind: openai, api_key: "{TEMPLATE}", headers: {{X-Team: "t-{TEMPLATE}"}}}}}}')
    file.chmod(0o644)  # it names no program and holds no secret
    loaded = load_settings(file, env)
    assert loaded.disabled == {"cloud": "no key: set OLLAMA_API_KEY"}
    assert f"api_key: {TEMPLATE}" in show(loaded)
    assert convert.endpoint(loaded, "a").key_source == "the keychain entry llmdesk/openai"
    assert not (tmp_path / "keychain.opened").exists()
    secrets = resolve_secrets(loaded, "a", env)
    assert (secrets.key, secrets.headers) == (CANARY, {"X-Team": f"t-{CANARY}"})
    assert CANARY not in repr(secrets) + repr(convert.endpoint(loaded, "a", secrets))


def test_only_keys_headers_and_variables_may_name_an_entry(tmp_path: Path) -> None:
    file = tmp_path / "llmdesk.yaml"
    file.write_text(f'providers: {{a: {{kind: openai, base_url: "https://{TEMPLATE}", api_key: k}}}}')
    file.chmod(0o600)
    (fault,) = validate(file, {})
    assert "1:41: providers.a.base_url: ${keyring:…} works for api_key, headers and env only" in fault


def test_what_is_late_is_known_without_being_fetched() -> None:
    assert [Secret(text).late for text in (TEMPLATE, "$(pass x)", f"${{A:-{TEMPLATE}}}", "${A}", "k", "$(x")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_nothing_of_the_keychain_is_loaded_in_llmdesks_own_process(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from llmdesk.config.secret import resolve_secret\n"
        f"assert resolve_secret({TEMPLATE!r}, dict(os.environ)) == {CANARY!r}\n"
        "assert not {m for m in sys.modules if m.split('.')[0] in ('keyring', 'secretstorage', 'jeepney')}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=filled(tmp_path, openai=CANARY),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_keychain_that_cannot_be_asked_is_told_when_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "llmdesk.yaml"
    file.write_text('providers: {a: {kind: openai, api_key: "${keyring:llmdesk/openai}"}}', encoding="utf-8")
    assert load_settings(file, {}).disabled.get("a") is None
    monkeypatch.setitem(sys.modules, "keyring", None)
    loaded = load_settings(file, {})
    assert loaded.disabled["a"] == "the keychain needs: pip install 'llmdesk[keyring]'"
    assert "a is disabled" in loaded.provider_notes["a"]
