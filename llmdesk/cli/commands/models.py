"""``llmdesk models``: what can be asked, and the models that an Ollama server keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import TEXT, desk_command, desk_group
from llmdesk.cli.progress import show_progress, size
from llmdesk.cli.reading import text_or_file
from llmdesk.cli.report import model_report
from llmdesk.cli.times import clock
from llmdesk.core.errors import UsageError
from llmdesk.core.types import ModelRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.desk import Desk

LOCAL = "local"
"""The provider meant when a model is named alone."""


@desk_group("models", default="list")
def command() -> None:
    """Models of every provider, and those an Ollama server keeps; without a command: list.

    REF is provider/model; a model alone is one of provider 'local'.
    """


def model_ref(desk: Desk, text: str) -> ModelRef:
    """Read REF: ``provider/model`` when it begins with a known provider, else a model of provider ``local``."""
    known = [status.provider for status in desk.providers()]
    head, slash, rest = text.partition("/")
    if slash and head in known and rest:
        return ModelRef(head, rest)
    if LOCAL in known and text and not (slash and not rest):
        return ModelRef(LOCAL, text)
    raise UsageError(f"'{text}': write provider/model. Known providers: {', '.join(known) or 'none'}.")


@desk_command("list", short_help="What each provider offers.")
@click.argument("provider", type=TEXT, required=False)
@click.pass_obj
def list_models(session: Session, provider: str | None) -> int:
    """List the models of PROVIDER, or of all that can be asked."""

    async def show(desk: Desk, _signals: Signals) -> int:
        rows = await desk.models(provider)
        resting = [] if provider is not None else _resting(desk, session.now())
        if session.json:
            for row in rows:
                session.out.record(model_report(row))
        elif rows:
            session.out.table(
                ("model", "size", "quantization", "can", "changed"),
                [
                    (
                        ModelRef(row.provider, row.model.name),
                        size(row.model.size_bytes) + (" (remote)" if row.model.remote else ""),
                        row.model.quantization or None,
                        ", ".join(sorted(row.model.capabilities)) or None,
                        row.model.modified_at[:10] or None,
                    )
                    for row in rows
                ],
            )
        elif not resting:
            kinds = {status.provider: status.kind for status in desk.providers()}
            if provider is not None and kinds.get(provider) == "command":
                session.nothing(desk, f"{provider} is a program that is told any name: {provider}/NAME")
            else:
                session.nothing(desk, "No models. Try: llmdesk providers check")
        session.tell([*desk.warnings, *resting])
        return 0

    return session.run(show)


def _resting(desk: Desk, now: float) -> list[str]:
    """Who is not asked for its models, and until when."""
    return [
        f"{status.provider} rests until {clock(status.cooldown_until, now)}: its models are not listed."
        for status in desk.providers()
        if status.cooldown_until is not None
    ]


@desk_command("show", short_help="What the server tells about a model.")
@click.argument("ref", type=TEXT)
@click.pass_obj
def show_model(session: Session, ref: str) -> int:
    """Show what the server tells about a model; with --json exactly as it tells it."""

    async def show(desk: Desk, _signals: Signals) -> int:
        facts = await desk.show_model(model_ref(desk, ref))
        if session.json:
            session.out.record(dict(facts))
        else:
            for name, value in flat(facts):
                session.out.line(f"{name}: {value}")
        return 0

    return session.run(show)


def flat(facts: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """A nested object as dotted names with one-line values; long texts keep their first line."""
    lines: list[tuple[str, str]] = []
    for key, value in facts.items():
        if isinstance(value, dict):
            lines += flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            lines.append(
                (prefix + key, ", ".join(str(v) for v in value) if len(value) <= 20 else f"{len(value)} items")
            )
        else:
            first, *more = str(value).split("\n")
            lines.append((prefix + key, first + (f" … ({len(more)} more lines)" if more else "")))
    return lines


@desk_command("ps", short_help="What is in memory.")
@click.argument("provider", type=TEXT, required=False)
@click.pass_obj
def running(session: Session, provider: str | None) -> int:
    """List the models that are loaded now, with the memory they take."""

    async def show(desk: Desk, _signals: Signals) -> int:
        rows = await desk.running_models(provider)
        if session.json:
            for name, model in rows:
                session.out.record(
                    {
                        "ref": f"{name}/{model.name}",
                        "provider": name,
                        "model": model.name,
                        "size_bytes": model.size_bytes,
                        "vram_bytes": model.vram_bytes,
                        "context_tokens": model.context_tokens,
                        "expires_at": model.expires_at or None,
                    }
                )
        elif rows:
            session.out.table(
                ("model", "memory", "of it video", "context", "until"),
                [
                    (f"{n}/{m.name}", size(m.size_bytes), size(m.vram_bytes), m.context_tokens, m.expires_at or None)
                    for n, m in rows
                ],
            )
        else:
            session.out.say("No model is loaded.")
        return 0

    return session.run(show)


@desk_command("pull", short_help="Fetch a model.")
@click.argument("ref", type=TEXT)
@click.pass_obj
def pull(session: Session, ref: str) -> int:
    """Fetch a model; an interrupted pull goes on where it stopped."""

    async def fetch(desk: Desk, _signals: Signals) -> int:
        wanted = model_ref(desk, ref)
        await show_progress(session, desk.pull_model(wanted))
        session.out.say(f"Pulled {wanted}.")
        return 0

    return session.run(fetch)


@desk_command("push", short_help="Publish a model.")
@click.argument("ref", type=TEXT)
@click.pass_obj
def push(session: Session, ref: str) -> int:
    """Publish a model under its name in the registry (ollama.com); asks first, unless --yes.

    The name begins with an account of yours: NAME/MODEL. An interrupted push sends only what is missing there.
    """

    async def publish(desk: Desk, _signals: Signals) -> int:
        wanted = model_ref(desk, ref)
        steps = desk.push_model(wanted)
        if not session.confirm(f"Publish {wanted} for others to fetch?"):
            session.out.complain(f"Not pushed: {wanted}. Add --yes to publish it.")
            return 1
        await show_progress(session, steps)
        session.out.say(f"Pushed {wanted}.")
        return 0

    return session.run(publish)


@desk_command("create", short_help="Make a model from another one.")
@click.argument("ref", type=TEXT)
@click.option("--from", "base", type=TEXT, metavar="MODEL", required=True, help="The model to begin with.")
@click.option("--system", type=TEXT, metavar="TEXT", help="Its system prompt; @FILE reads it from a file.")
@click.option("--params", type=TEXT, metavar="K=V", multiple=True, help="A parameter by Ollama's name: num_ctx=8192.")
@click.pass_obj
def create(session: Session, ref: str, base: str, system: str | None, params: tuple[str, ...]) -> int:
    """Make a model from another one of the same server, with its own system prompt and parameters."""
    parameters = _parameters(params)
    text = text_or_file(system) if system is not None else None

    async def make(desk: Desk, _signals: Signals) -> int:
        wanted = model_ref(desk, ref)
        name = base.removeprefix(f"{wanted.provider}/")
        await show_progress(session, desk.create_model(wanted, base=name, system=text, parameters=parameters))
        session.out.say(f"Created {wanted}.")
        return 0

    return session.run(make)


def _parameters(pairs: tuple[str, ...]) -> dict[str, object] | None:
    found: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (equals and key.strip()):
            raise UsageError(f"--params {pair}: write it as KEY=VALUE, for example num_ctx=8192.")
        try:
            found[key.strip()] = json.loads(value)
        except (ValueError, RecursionError):
            found[key.strip()] = value
    return found or None


@desk_command("copy", short_help="Copy a model under a new name.")
@click.argument("ref", type=TEXT)
@click.argument("name", type=TEXT)
@click.pass_obj
def copy(session: Session, ref: str, name: str) -> int:
    """Copy a model under a new name on the same server."""

    async def duplicate(desk: Desk, _signals: Signals) -> int:
        source = model_ref(desk, ref)
        target = name.removeprefix(f"{source.provider}/").strip()
        if not target:
            raise UsageError("The copy needs a name.")
        await desk.copy_model(source, target)
        if session.json:
            session.out.record({"from": str(source), "to": f"{source.provider}/{target}"})
        session.out.say(f"Copied {source} to {source.provider}/{target}.")
        return 0

    return session.run(duplicate)


@desk_command("rm", short_help="Remove a model from disk.")
@click.argument("ref", type=TEXT)
@click.pass_obj
def remove(session: Session, ref: str) -> int:
    """Remove a model from disk; asks first, unless --yes."""

    async def delete(desk: Desk, _signals: Signals) -> int:
        wanted = model_ref(desk, ref)
        if not session.confirm(f"Remove {wanted} from disk?"):
            session.out.complain(f"Not removed: {wanted}. Add --yes to remove it.")
            return 1
        await desk.delete_model(wanted)
        if session.json:
            session.out.record({"ref": str(wanted), "removed": True})
        session.out.say(f"Removed {wanted}.")
        return 0

    return session.run(delete)


for _sub in (list_models, show_model, running, pull, push, create, copy, remove):
    command.add_command(_sub)
