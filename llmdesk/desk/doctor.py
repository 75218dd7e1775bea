"""A look at the whole installation: versions, files, providers, database; a remedy for each fault."""

from __future__ import annotations

import os
import platform
import stat
from importlib import metadata
from typing import TYPE_CHECKING

from llmdesk.core.errors import StorageError
from llmdesk.core.lanes import no_local_model_message
from llmdesk.core.text import one_line
from llmdesk.core.types import ModelRef
from llmdesk.core.version import __version__
from llmdesk.core.views import Discovery, Finding, Level, ProviderState
from llmdesk.desk.advice import names_step
from llmdesk.prices import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from llmdesk.core.views import ProviderStatus
    from llmdesk.desk.parts import Parts
    from llmdesk.paths import Paths

LIBRARIES = ("textual", "httpx", "ollama", "pydantic", "click")

ATTENTION_CHARS = 600
"""How long the line for all providers that need attention may be, characters."""

MODELS_NAMED = 3
"""How many models a line names, before it counts the rest."""

FIXES = {
    ProviderState.NO_KEY: "Set the variable the message names, or leave it: the other targets answer.",
    ProviderState.ATTENTION: "Correct the key or the plan, then run: llmdesk providers check",
    ProviderState.DOWN: "Start it or correct its base_url, then run: llmdesk providers check",
    ProviderState.COOLING: "Nothing to do: it is asked again when the time is over.",
}

THEN_CHECK = "Then run: llmdesk providers check"
"""Where the message itself says what to do."""


async def examine(parts: Parts, statuses: Sequence[ProviderStatus]) -> tuple[Finding, ...]:
    """Everything ``doctor`` prints, in order. ``statuses`` come from a fresh look at the providers."""
    findings = [*_versions(), *_files(parts.paths)]
    findings += [_provider(parts, status) for status in statuses]
    findings += _prices(parts, statuses)
    findings += [Finding(topic="note", level=Level.NOTE, text=text) for text in dict.fromkeys(parts.warnings)]
    findings.append(await _database(parts))
    return tuple(findings)


def attention(statuses: Sequence[ProviderStatus]) -> str:
    """One line for all providers that cannot be used as they are: how many of how many, and each reason.

    Empty when there is none. Those without a key are not counted: whoever has none does not miss it.
    """
    broken = _broken(statuses)
    if not broken:
        return ""
    reasons = [f"{status.provider}: {_reason(status)}" for status in broken]
    verb = "needs" if len(broken) == 1 else "need"
    return f"{len(broken)} of {len(statuses)} providers {verb} attention: {'; '.join(reasons)}"


def _broken(statuses: Sequence[ProviderStatus]) -> list[ProviderStatus]:
    return [status for status in statuses if status.state in (ProviderState.DOWN, ProviderState.ATTENTION)]


def _reason(status: ProviderStatus) -> str:
    return status.message.removeprefix(f"{status.provider}: ").rstrip(".") or status.state.value


def discover(parts: Parts, statuses: Sequence[ProviderStatus]) -> Discovery:
    """The lines of the first-run card: what can answer, and the command that closes each gap.

    Several providers that need attention share a line: the card must not grow with the configuration.
    """
    findings: list[Finding] = []
    can_answer = False
    broken = _broken(statuses)
    for status in statuses:
        facts = parts.providers[status.provider]
        match status.state:
            case ProviderState.OK if facts.rules.local_models and not status.models:
                text = f"{status.provider}: Ollama is running, but it has no model."
                fix = no_local_model_message(facts.rules.fallback_models).partition("Run: ")[2]
                findings.append(Finding(topic=status.provider, level=Level.PROBLEM, text=text, hint=fix))
            case ProviderState.OK | ProviderState.UNKNOWN | ProviderState.COOLING:
                can_answer = can_answer or status.state is not ProviderState.COOLING
                findings.append(Finding(topic=status.provider, level=Level.OK, text=_found(status)))
            case ProviderState.NO_KEY:
                text = f"{status.provider}: {status.message.removeprefix(f'{status.provider}: ')}"
                findings.append(Finding(topic=status.provider, level=Level.NOTE, text=text))
            case ProviderState.DOWN | ProviderState.ATTENTION:
                if len(broken) == 1:
                    findings.append(Finding(topic=status.provider, level=Level.PROBLEM, text=status.message))
    if len(broken) > 1:
        text = one_line(attention(statuses), ATTENTION_CHARS)
        fix = f"{parts.program} providers check"
        findings.append(Finding(topic="providers", level=Level.PROBLEM, text=text, hint=fix))
    if not can_answer:
        text = "See everything at work first, on simulated servers:"
        findings.append(Finding(topic="demo", level=Level.NOTE, text=text, hint=f"{parts.program} demo"))
    return Discovery(findings=tuple(findings), can_answer=can_answer)


def _found(status: ProviderStatus) -> str:
    match status.state:
        case ProviderState.COOLING:
            return f"{status.provider}: resting after a limit."
        case ProviderState.UNKNOWN:
            return f"{status.provider}: {status.message or f'configured ({status.base_url or status.kind})'}."
        case _:
            count = "" if status.models is None else f", {_models(status.models)}"
            if status.kind == "command":  # it was found, not run
                return f"{status.provider}: is installed{count}, sign-in not tried."
            return f"{status.provider}: answers{count}."


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"


def _versions() -> Iterator[Finding]:
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    python = f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    yield Finding(topic="version", level=Level.OK, text=f"llmdesk {__version__}, {python}")
    yield Finding(topic="libraries", level=Level.OK, text=libraries)


def _files(paths: Paths) -> Iterator[Finding]:
    exists = "" if paths.config_file.exists() else " (not there: defaults hold)"
    yield Finding(topic="configuration", level=Level.OK, text=f"{paths.config_file}{exists}")
    for topic, path in (("data", paths.data_dir), ("state", paths.state_dir)):
        yield _private(topic, path)


def _private(topic: str, path: Path) -> Finding:
    if not path.is_dir():
        text = f"{path} is a file, and a folder is needed there" if path.exists() else f"{path} cannot be made"
        return Finding(topic=topic, level=Level.PROBLEM, text=text, hint="Correct the path, or set LLMDESK_HOME.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        text = f"{path} can be read by others (mode {mode:04o})"
        return Finding(topic=topic, level=Level.PROBLEM, text=text, hint=f"chmod go= {path}")
    if not os.access(path, os.W_OK):
        return Finding(topic=topic, level=Level.PROBLEM, text=f"{path} cannot be written", hint=f"chmod u+rwx {path}")
    return Finding(topic=topic, level=Level.OK, text=str(path))


def _provider(parts: Parts, status: ProviderStatus) -> Finding:
    level = {ProviderState.OK: Level.OK, ProviderState.DOWN: Level.PROBLEM, ProviderState.ATTENTION: Level.PROBLEM}
    who = f"{status.provider} ({status.kind})"
    rules = parts.providers[status.provider].rules
    if status.state is ProviderState.NO_KEY:
        return Finding(topic="provider", level=Level.NOTE, text=f"{who} {status.message}", hint=FIXES[status.state])
    if status.state is ProviderState.OK and rules.local_models and not status.models:
        fix = no_local_model_message(rules.fallback_models).partition("Run: ")[2]
        return Finding(topic="provider", level=Level.PROBLEM, text=f"{who} ok, but it has no model", hint=fix)
    latency = f"{status.latency_ms} ms" if status.latency_ms is not None else ""
    details = [status.message.removeprefix(f"{status.provider}: ") or latency]
    details += [] if status.models is None else [_models(status.models)]
    hint = FIXES.get(status.state, "")
    key = _key(parts, status)
    if hint and names_step(status.message):  # then nothing follows it that could be taken for a part of a command
        hint = hint if status.state is ProviderState.COOLING else THEN_CHECK
        details = [key, *details[1:], details[0]]
    elif key:
        details = [details[0].rstrip("."), *details[1:], key]
    detail = ", ".join(filter(None, details))
    text = f"{who} {status.state.value}{': ' if detail else ''}{detail}"
    return Finding(topic="provider", level=level.get(status.state, Level.NOTE), text=text, hint=hint)


def _key(parts: Parts, status: ProviderStatus) -> str:
    """Where the key comes from; never what it is."""
    source = parts.providers[status.provider].key_source
    if not source or source in status.message:
        return ""
    return f"key {source.removeprefix('the key ')}" if source.startswith("the key ") else f"key from {source}"


def _prices(parts: Parts, statuses: Sequence[ProviderStatus]) -> Iterator[Finding]:
    """Which models of the lanes cost money that nobody can count, for want of the list of prices."""
    usable = {status.provider for status in statuses if status.state in (ProviderState.OK, ProviderState.COOLING)}
    targets = (ref for lane in parts.lanes.values() for ref in lane.targets if ref.provider in usable)
    named = (ModelRef(r.provider, parts.providers[r.provider].aliases.get(r.model, r.model)) for r in targets)
    unknown = [str(ref) for ref in dict.fromkeys(named) if parts.prices.needs_catalogue(ref)]
    if not unknown or catalogue.installed():
        return
    more = f" and {len(unknown) - MODELS_NAMED} more" if len(unknown) > MODELS_NAMED else ""
    yield Finding(
        topic="prices",
        level=Level.NOTE,
        text=f"nobody knows what these cost: {', '.join(unknown[:MODELS_NAMED])}{more}",
        hint="pip install 'llmdesk[prices]', or write their price under models:",
    )


async def _database(parts: Parts) -> Finding:
    where = str(parts.paths.database) if parts.stored else "in memory only"

    try:
        verdict = await parts.database.health()
        await parts.database.write(lambda _: None)
    except StorageError as error:
        return Finding(topic="database", level=Level.PROBLEM, text=str(error), hint="Free disk space or fix the path.")
    if verdict != "ok":
        hint = "Move the file away; a new one is made at the next start."
        return Finding(topic="database", level=Level.PROBLEM, text=f"{where}: {verdict}", hint=hint)
    level = Level.OK if parts.stored else Level.PROBLEM
    return Finding(topic="database", level=level, text=f"{where}: healthy")
