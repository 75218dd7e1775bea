"""``llmdesk exec``: one request; the answer goes to stdout."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmdesk.cli.options import FILE, NAME, SECONDS, TEXT, desk_command
from llmdesk.cli.reading import read_prompt, read_stdin, text_or_file
from llmdesk.core.errors import UsageError
from llmdesk.core.param_pairs import parse_params
from llmdesk.core.types import ModelRef, Params
from llmdesk.core.values import dataclass
from llmdesk.core.views import Ask

if TYPE_CHECKING:
    from llmdesk.cli.session import Session
    from llmdesk.cli.signals import Signals
    from llmdesk.core.types import Failover, Outcome
    from llmdesk.core.views import Attachment
    from llmdesk.desk import Desk
    from llmdesk.desk.schemas import NamedSchema

STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the options of ``exec`` ask for beyond the request itself."""

    ask: Ask
    files: tuple[Path, ...] = ()
    stdin_file: Attachment | None = field(default=None, repr=False)
    latest: bool = False
    stream: bool = True
    extract: bool = False
    dry_run: bool = False
    demo: bool = False


@desk_command("exec", short_help="Ask once; the answer goes to stdout.")
@click.argument("prompt", type=TEXT, required=False)
@click.option("--lane", type=NAME, metavar="LANE", help="Ask this lane.")
@click.option("--agent", type=NAME, metavar="NAME", help="Ask in the name of this agent.")
@click.option("--job", type=NAME, metavar="NAME", help="Count this request to a job.")
@click.option("--model", type=TEXT, metavar="REF", help="Ask this provider/model instead of the lane's targets.")
@click.option("--system", type=TEXT, metavar="TEXT", help="System prompt; @FILE reads it from a file.")
@click.option(
    "--file", "files", type=FILE, metavar="FILE", multiple=True, help="Attach a text, image, folder; - attaches stdin."
)
@click.option(
    "--schema",
    type=TEXT,
    metavar="SCHEMA",
    help="The answer must meet this JSON Schema: a file, builtin:codegen, or fields as in 'name, age int'.",
)
@click.option("-x", "--extract", is_flag=True, help="Print only the first fenced code block of the answer.")
@click.option("--params", type=TEXT, metavar="K=V", multiple=True, help="Set a parameter, such as temperature=0.2.")
@click.option("--seed", type=int, metavar="N", help="Seed for the model's sampling.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Limit of the answer, tokens.")
@click.option("--no-stream", is_flag=True, help="Print the answer when it is complete.")
@click.option("--raw", is_flag=True, help="Do not make control characters visible on a terminal.")
@click.option("--timeout", type=SECONDS, metavar="S", help="Pause the request after this many seconds.")
@click.option("--demo", is_flag=True, help="Ask a simulated cloud and local Ollama; nothing is kept.")
@click.option(
    "--failover", type=click.Choice(["auto", "ask", "never"]), help="Whether another target may answer this request."
)
@click.option("--conversation", type=TEXT, metavar="ID", help="Go on with this conversation.")
@click.option("--continue", "latest", is_flag=True, help="Go on with the newest conversation.")
@click.option("--dry-run", is_flag=True, help="Show the whole decision; send nothing.")
@click.pass_obj
def command(  # noqa: PLR0917 - one parameter an option, passed by name
    session: Session,
    prompt: str | None,
    lane: str | None,
    agent: str | None,
    job: str | None,
    model: str | None,
    system: str | None,
    files: tuple[str, ...],
    schema: str | None,
    extract: bool,
    params: tuple[str, ...],
    seed: int | None,
    max_tokens: int | None,
    no_stream: bool,
    raw: bool,
    timeout: float | None,
    demo: bool,
    failover: Failover | None,
    conversation: str | None,
    latest: bool,
    dry_run: bool,
) -> int:
    """Ask once; the answer goes to stdout, everything else to stderr.

    PROMPT is the question; without it, or with -, standard input is. Exit codes: 0 completed, 1 failed, 2 usage,
    3 blocked by a budget, 4 schema not met, 5 paused (kept in the outbox), 6 refused, 130 interrupted.
    """
    if latest and conversation:
        raise UsageError("--continue and --conversation exclude each other.")
    if extract and session.json:
        raise UsageError("--extract and --json exclude each other; the whole answer is in 'text'.")
    session.out.raw = raw
    named = _named_schema(schema) if schema is not None else None
    text, stdin_file = _inputs(session, prompt, files)
    ask = Ask(
        prompt=text,
        lane=lane,
        agent=agent,
        job=job,
        model=ModelRef.parse(model) if model is not None else None,
        system=text_or_file(system) if system is not None else None,
        params=Params(seed=seed, max_output_tokens=max_tokens).over(parse_params(params, option="--params")),
        schema=named.schema if named is not None else None,
        schema_name=named.name if named is not None else "",
        conversation=conversation,
        timeout_s=timeout,
        failover=failover,
        consent=session.yes,
        unkept_ok=session.yes,
    )
    wish = Wish(
        ask=ask,
        files=tuple(Path(name) for name in files if name != STDIN),
        stdin_file=stdin_file,
        latest=latest,
        stream=not no_stream,
        extract=extract,
        dry_run=dry_run,
        demo=demo,
    )
    return session.run(lambda desk, signals: _execute(session, wish, desk, signals), demo=demo)


def _inputs(session: Session, prompt: str | None, files: tuple[str, ...]) -> tuple[str, Attachment | None]:
    """Read standard input once, as whatever it was meant."""
    attached = STDIN in files
    if prompt is None or prompt == STDIN:
        if attached:
            raise UsageError("Standard input cannot be the prompt and an attachment. Give the prompt as an argument.")
        text, stdin_file = read_prompt(session), None
    else:
        text, stdin_file = prompt, _attached(read_stdin(session)) if attached else None
    if not text.strip():
        raise UsageError("The prompt is empty.")
    return text, stdin_file


def _attached(raw: bytes) -> Attachment:
    from llmdesk.desk.attach import attachment

    return attachment("stdin", raw)


def _files_of(session: Session, desk: Desk, path: Path) -> tuple[Attachment, ...]:
    """The file, or those of a folder; what a folder leaves out is said."""
    from llmdesk.desk.folders import is_folder

    if not is_folder(path):
        return (desk.attach(path),)
    folder = desk.attach_folder(path)
    session.out.say(f"{path}: {folder.told}")
    return folder.files


async def _execute(session: Session, wish: Wish, desk: Desk, signals: Signals) -> int:
    from dataclasses import replace

    attachments = [file for path in wish.files for file in _files_of(session, desk, path)]
    if wish.stdin_file is not None:
        attachments.append(wish.stdin_file)
    ask = replace(wish.ask, attachments=tuple(attachments))
    if wish.latest:
        ask = replace(ask, conversation=await desk.latest_conversation(ask.lane))
    elif ask.conversation is not None:  # a mistyped id must not begin a conversation of that name
        ask = replace(ask, conversation=(await desk.conversation(ask.conversation)).id)
    session.tell(desk.warnings)
    session.tell(desk.lane_notes(ask.lane))
    if wish.demo:
        session.out.say("DEMO: a simulated cloud and local Ollama answer; nothing is kept.")
    if wish.dry_run:
        from llmdesk.cli.planned import show_plan

        show_plan(session, await desk.plan(ask))
        return 0
    from llmdesk.cli.follow import Follower, exit_code, whole_answer

    stream = wish.stream and not wish.extract
    follower = Follower(session, signals, stream=stream, shape=_code_of if wish.extract else whole_answer)
    return exit_code(await follower.follow(desk.send(ask)), session)


def _named_schema(text: str) -> NamedSchema:
    from llmdesk.desk.schemas import named_schema

    return named_schema(text)


def _code_of(outcome: Outcome) -> tuple[str, str]:
    from llmdesk.core.fences import first_block

    block = first_block(outcome.text)
    if block is None:
        return outcome.text, "there is no fenced code block in the answer; this is all of it"
    return block, ""
