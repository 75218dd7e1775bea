"""Templates in the values of a draft: filled where they are plain, only checked where they stand for a secret."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from llmdesk.config.fetch import INSTALL
from llmdesk.config.secret import is_secret_name, key_fault
from llmdesk.config.section import FromEnvironment
from llmdesk.config.template import (
    Entry,
    TemplateError,
    Variable,
    fill,
    has_command,
    is_late,
    literal_text,
    missing_names,
    parse_template,
)
from llmdesk.core.addresses import is_loopback, split_address
from llmdesk.core.ollama_host import parse_ollama_host
from llmdesk.core.text import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmdesk.config.draft import Draft
    from llmdesk.config.template import Part
    from llmdesk.config.yaml_tree import Path

_KEY_VARIABLE = re.compile(r"(?:key|token|secret|password)$", re.IGNORECASE)
"""Names of variables that hold a secret wherever they are used; narrower than what a header may be called."""


def expand(draft: Draft) -> None:
    """Fill every template but those of secrets. What lacks a variable switches its provider off (policy F4)."""
    providers = draft.data.get("providers")
    if isinstance(providers, dict):
        for name, entry in providers.items():
            if isinstance(entry, dict):
                _expand_provider(draft, name, entry)
    for name, value in draft.data.items():
        if name != "providers":
            draft.data[name] = _filled(draft, (name,), value, None)


def no_key(names: tuple[str, ...]) -> str:
    """The reason why a provider without its key is off."""
    return f"no key: set {' and '.join(names)}"


def address_from(template: str, env: Mapping[str, str], *, ollama: bool) -> tuple[str, bool, str]:
    """Fill the template of a base URL.

    Returns:
        The address, whether ``OLLAMA_HOST`` made it a plain one on another machine (the user's own wish, said in
        Ollama's own way), and what is wrong with it (empty = nothing).
    """
    parts = parse_template(template)
    url = fill(parts, env)
    url = parse_ollama_host(url) if ollama else url
    names = [part.name for part in parts if isinstance(part, Variable)]
    try:
        plain = split_address(url).scheme == "http" and not is_loopback(url)
    except ValueError as error:
        return url, False, f"${names[0]} {error}" if names else str(error)
    return url, plain and ollama and "OLLAMA_HOST" in names, ""


def _expand_provider(draft: Draft, name: str, entry: dict[str, Any]) -> None:
    path: Path = ("providers", name)
    if entry.get("kind") == "command" and not draft.source.guarded:
        draft.fault((*path, "kind"), _unguarded(draft, "it names programs to run"))
    for key, value in list(entry.items()):
        where = (*path, key)
        if key in ("api_key", "headers", "env"):
            _check_secrets(draft, where, value)
        elif key == "platforms" and isinstance(value, dict):
            for platform, part in value.items():
                if isinstance(part, dict):
                    _check_secrets(draft, (*where, platform, "env"), part.get("env"))
                    kept = part.get("env")
                    value[platform] = {**_filled(draft, (*where, platform), {**part, "env": None}, name), "env": kept}
        elif key == "base_url" and isinstance(value, str) and "$" in value:
            _expand_address(draft, where, entry)
        else:
            entry[key] = _filled(draft, where, value, name)


def _expand_address(draft: Draft, where: Path, entry: dict[str, Any]) -> None:
    """Fill a base URL; one that only the environment makes unusable switches the provider off."""
    name, template = str(where[1]), entry["base_url"]
    filled = _filled(draft, where, template, name)
    if filled == template:
        return
    url, plain, problem = address_from(template, draft.env, ollama=entry.get("kind") == "ollama")
    if problem and "${" in template:
        draft.disable(name, problem, f"provider {name} is disabled: {problem}")
        return
    entry["base_url"] = url
    if plain and "allow_http" not in entry:
        entry["allow_http"] = True


def _filled(draft: Draft, path: Path, value: Any, provider: str | None) -> Any:
    """Fill the templates of ``value`` and of everything in it; ``provider`` is whose settings these are, if any."""
    if isinstance(value, dict):
        return {key: _filled(draft, (*path, key), item, provider) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(draft, (*path, number), item, provider) for number, item in enumerate(value)]
    if isinstance(value, str) and "$" in value:
        try:
            return _text(draft, path, value, provider)
        except TemplateError as error:
            draft.fault(path, str(error).rstrip("."))
    return value


def _text(draft: Draft, path: Path, template: str, provider: str | None) -> str:
    parts = parse_template(template)
    for name in _key_variables(parts):
        redact.learn(draft.env.get(name, "").strip())
        if path[2:3] == ("command",) or path[4:5] == ("command",):
            draft.fault(path, f"${name} on a command line is seen by everybody on this machine; name it in env instead")
    missing = missing_names(parts, draft.env)
    if not missing:
        text = fill(parts, draft.env)
        return FromEnvironment(text) if len(parts) == 1 and isinstance(parts[0], Variable) else text
    names = ", ".join(f"${name}" for name in missing)
    if provider is None:
        draft.fault(path, f"{names} is not set, and there is no default (${{{missing[0]}:-default}})")
    else:
        draft.disable(provider, f"{names} is not set", f"provider {provider} is disabled: {names} is not set")
    return template


def _key_variables(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Variable):
            if _KEY_VARIABLE.search(part.name):
                yield part.name
            yield from _key_variables(part.default or ())


def _check_secrets(draft: Draft, path: Path, value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _check_secrets(draft, (*path, key), item)
    elif isinstance(value, str):
        try:
            _check_secret(draft, path, parse_template(value))
        except TemplateError as error:
            draft.fault(path, str(error).rstrip("."))


def _check_secret(draft: Draft, path: Path, parts: tuple[Part, ...]) -> None:
    """Check what can be checked without a command or the keychain; what a secret resolves to is in no message."""
    provider, is_key = str(path[1]), path[2] == "api_key"
    sensitive = is_key or is_secret_name(str(path[-1]))
    variables = tuple(part.name for part in parts if isinstance(part, Variable))
    runs, late = has_command(parts), is_late(parts)
    written = literal_text(tuple(part for part in parts if variables == () or not isinstance(part, str)))
    if runs and not draft.source.guarded:
        draft.fault(path, _unguarded(draft, "it names programs to run"))
    if written and not late and sensitive and not draft.source.private:
        mode = f"{draft.source.mode:04o}"
        draft.fault(
            path, f'a secret written out in a file that others can read (mode {mode}); write "${{NAME}}", '
            f"or run: chmod 600 {draft.file}",
        )  # fmt: skip
    if any(isinstance(part, Entry) for part in parts) and find_spec("keyring") is None:
        reason = f"the keychain needs: {INSTALL}"
        draft.disable(provider, reason, f"provider {provider} is disabled: {reason}")
    if missing := missing_names(parts, draft.env):
        names = ", ".join(f"${name}" for name in missing)
        reason = no_key(missing) if is_key else f"{names} is not set"
        known = path in draft.tree.values or ("providers", provider) in draft.tree.keys
        draft.disable(provider, reason, f"provider {provider} is disabled: {names} is not set" if known else "")
    elif not late:
        value = fill(parts, draft.env).strip()
        if sensitive:
            redact.learn(value)
        if path[2] in ("api_key", "headers") and (fault := key_fault(value)):
            if not variables:
                draft.fault(path, fault)
            else:
                reason = f"${variables[0]} {fault}"
                draft.disable(provider, reason, f"provider {provider} is disabled: {reason}")


def _unguarded(draft: Draft, why: str) -> str:
    mode = f"{draft.source.mode:04o}"
    return f"refused, because others can change this file (mode {mode}) and {why}; run: chmod go-w {draft.file}"
