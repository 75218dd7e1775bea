"""The command adapter: any command-line program as a model, described by YAML alone (docs/tools.md, policy 3.7).

The command line is made in ``template``, the program run in ``group``, its output read in
``output``, its failures in ``failures``; this module is the calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmdesk.core.errors import AnswerCut, ProviderError, RequestRejected, SetupBroken
from llmdesk.core.json_path import PathError
from llmdesk.core.run_folders import RUN_FOLDER, RUN_PREFIX
from llmdesk.core.text import has_visible, one_line
from llmdesk.core.types import Completed, FinishReason, ModelInfo, ReasoningDelta, TextDelta
from llmdesk.providers.answer_log import telling
from llmdesk.providers.base import Check
from llmdesk.providers.command.failures import failed_run, missing_program, not_started
from llmdesk.providers.command.group import Groups
from llmdesk.providers.command.output import output_rules, reader_for
from llmdesk.providers.command.tail import Tail
from llmdesk.providers.command.template import Template, uses
from llmdesk.providers.left_out import left_out
from llmdesk.providers.reply import Limits, size

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from llmdesk.core.exchange import Recording
    from llmdesk.core.types import ChatRequest, ProviderEvent
    from llmdesk.providers.base import Endpoint
    from llmdesk.providers.command.group import Group
    from llmdesk.providers.command.output import OutputReader
    from llmdesk.providers.command.template import Filled

SETTLE_S = 0.5
"""How long the end of the group is waited for before the outcome is told, seconds; it goes on in any case."""


class CommandProvider:
    """One command-line program.

    Args:
        endpoint: its name, limits, models, and in ``options``: ``command`` (words and optional groups), ``stdin``,
            ``output`` (paths by name), ``env`` (the whole environment of the program), ``cwd``, ``limits``,
            ``install``, and ``record_group`` (see ``group.Groups``).
        now: UTC epoch seconds, for hints that name a time.
    """

    def __init__(self, endpoint: Endpoint, *, now: Callable[[], float] = time.time) -> None:
        self.endpoint = endpoint
        self._now = now
        options: dict[str, Any] = dict(endpoint.options)
        self._template = Template(endpoint.name, options["command"], options.get("stdin", "{prompt}"))
        self._env = {name: value for name, value in options.get("env", {}).items() if value}
        self._cwd: str | None = options.get("cwd")
        self._limits: dict[str, Any] = options.get("limits", {})
        told = uses(self._template.words, self._template.stdin, "{max_tokens}")
        self._taken = frozenset({"max_output_tokens"} if told else ())
        self._install: str = options.get("install") or ""
        self._groups = Groups(options.get("record_group"))
        try:
            self._rules = output_rules(options.get("output", {}))
        except PathError as error:
            raise SetupBroken(one_line(f"{endpoint.name}: output: {error}")) from None

    @property
    def native_schema(self) -> bool:
        """Whether the program is told the schema of the answer."""
        return uses(self._template.words, self._template.stdin, "{file:schema}")

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ProviderEvent, None]:
        """Run the program, and yield what it says; the last event is ``Completed``.

        Leaving early ends the whole process group at once.

        Raises:
            ProviderError: by the table of docs/policy.md, 3.7.
        """
        name = self.endpoint.name
        if request.endpoint == "embed":
            raise RequestRejected(f"{name}: a program gives no embeddings.", target_specific=True)
        limits = Limits(self.endpoint, asyncio.get_running_loop().time)
        group, notes, recording = await self._start(request)
        try:
            reader = reader_for(name, self._rules, self.endpoint.caps)
            visible = reasoned = False
            with telling(reader.facts.used):
                async with contextlib.aclosing(self._deltas(group, reader, limits, recording)) as deltas:
                    async for delta in deltas:
                        visible = visible or (isinstance(delta, TextDelta) and has_visible(delta.text))
                        reasoned = reasoned or isinstance(delta, ReasoningDelta)
                        yield delta
                if not (visible or reasoned):
                    raise failed_run(
                        name, exit_code=0, error="", stderr=await group.stderr(), stdout="", limits=self._limits,
                        now=self._now(), lack=reader.facts.lack,
                    )  # fmt: skip
            await _settled(group)
        except ProviderError:
            await _settled(group)
            raise
        finally:
            if recording is not None:
                recording.ended(status=group.exit_code, error_output=group.stderr_so_far)
            group.end()
        yield Completed(
            finish_reason=FinishReason.STOP,
            usage=reader.facts.usage,
            served_model=reader.facts.model or request.model,
            notes=(*notes, *left_out(f"{name}/{request.model}", request.params, self._taken)),
        )

    async def _deltas(
        self, group: Group, reader: OutputReader, limits: Limits, recording: Recording | None
    ) -> AsyncGenerator[TextDelta | ReasoningDelta, None]:
        """Yield the answer as it comes, within every limit; a run that fails is raised as what it is."""
        tail = Tail()
        count = 0
        while data := await self._read(group, limits):
            count += _decoded_size(data)
            if recording is not None:
                recording.came(data)
            if count > self.endpoint.caps.answer:
                raise AnswerCut(
                    f"{self.endpoint.name}: the program printed more than {size(self.endpoint.caps.answer)}."
                )
            tail.add(data)
            for delta in reader.feed(data):
                limits.content_came()
                yield delta
        exit_code = await self._exit(group, limits)
        rest: list[TextDelta | ReasoningDelta] = []
        damage: AnswerCut | None = None
        try:
            rest += reader.finish()
        except AnswerCut as error:
            damage = error
        if exit_code or reader.facts.error:
            raise failed_run(
                self.endpoint.name,
                exit_code=exit_code,
                error=reader.facts.error,
                stderr=await group.stderr(),
                stdout=tail.text,
                limits=self._limits,
                now=self._now(),
            )
        if damage is not None:
            raise damage
        for delta in rest:
            yield delta

    async def _read(self, group: Group, limits: Limits) -> bytes:
        try:
            async with asyncio.timeout_at(limits.deadline()):
                data = await group.read()
        except TimeoutError:
            raise limits.expired() from None
        if data:
            limits.byte_came()
        return data

    async def _exit(self, group: Group, limits: Limits) -> int:
        try:
            async with asyncio.timeout_at(limits.deadline()):
                return await group.wait()
        except TimeoutError:
            raise limits.expired() from None

    async def _start(self, request: ChatRequest) -> tuple[Group, tuple[str, ...], Recording | None]:
        """Make the private folder, fill the template, start the program."""
        try:
            folder = _make_folder()
        except OSError as error:
            raise _no_room(self.endpoint.name, error) from None
        filling = asyncio.ensure_future(asyncio.to_thread(self._template.fill, request, folder / "files"))
        try:
            filled = await asyncio.shield(filling)
            recording = None
            if request.tap is not None:
                recording = request.tap.run(argv=filled.argv, environment=self._env, stdin=filled.stdin)
            return await self._start_filled(filled, folder), filled.notes, recording
        except BaseException as error:
            if filling.done():
                shutil.rmtree(folder, ignore_errors=True)
            else:  # a thread cannot be stopped: what it still writes must be gone too, however often we are cancelled
                self._groups.keep(asyncio.ensure_future(_sweep(filling, folder)))
            if isinstance(error, OSError):
                raise _no_room(self.endpoint.name, error) from None
            raise

    async def _start_filled(self, filled: Filled, folder: Path) -> Group:
        program, *arguments = filled.argv
        path = self._find(program)
        cwd = folder / "work"
        if self._cwd is not None:
            cwd = Path(self._at_home(self._cwd))
            if not cwd.is_dir():
                raise SetupBroken(one_line(f"{self.endpoint.name}: the folder {self._cwd} (cwd) is not there."))
        try:
            return await self._groups.start(
                (path, *arguments),
                env={**self._env, RUN_FOLDER: str(folder)},
                cwd=cwd,
                stdin=filled.stdin,
                folder=folder,
            )
        except (OSError, ValueError) as error:
            raise not_started(self.endpoint.name, program, self._install, error) from None

    def _find(self, program: str) -> str:
        """The program's absolute path: as written, else on the PATH the program itself gets (policy S7).

        A relative path counts from ``cwd``; without one it would be looked for in the empty folder of the run, or be
        whatever lies where llmdesk was started.
        """
        if "/" in program or "\\" in program:
            path = Path(self._at_home(self._cwd or "")) / self._at_home(program)
            if not path.is_absolute():
                raise missing_program(
                    self.endpoint.name, program, self._install, "is no whole path. Write it from / or ~/ on, or set cwd"
                )
            return str(path)
        found = shutil.which(program, path=self._env.get("PATH", ""))
        if found is None:
            raise missing_program(self.endpoint.name, program, self._install, "is not on the PATH")
        return str(Path(found).absolute())

    def _at_home(self, path: str) -> str:
        home = self._env.get("HOME") or self._env.get("USERPROFILE") or ""
        return f"{home}{path[1:]}" if home and path.startswith("~/") else path

    # --- models and health --------------------------------------------------------------------------------------------

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """The models the settings name; programs are not asked."""
        return tuple(ModelInfo(name=name) for name in self.endpoint.models)

    async def check(self) -> Check:
        """Look for the program, and say where it is; it is not run, so that nothing is spent.

        Raises:
            SetupBroken: it is not there.
        """
        first = self._template.words[0]
        path = self._find(first if isinstance(first, str) else first[0])
        if shutil.which(path) is None:
            raise missing_program(self.endpoint.name, path, self._install)
        return Check(
            models=len(self.endpoint.models) or None,
            message=f"{path}; sign-in not tried",
        )

    async def aclose(self) -> None:
        """Wait until nothing of any run is left."""
        await self._groups.aclose()


def _decoded_size(data: bytes) -> int:
    """What a piece of output comes to as text, bytes: what is no UTF-8 becomes three times as long."""
    return len(data) if data.isascii() else max(len(data), len(data.decode("utf-8", "replace").encode()))


async def _settled(group: Group) -> None:
    """Give the group a moment to be gone, so that what follows finds nothing of it."""
    await asyncio.wait({group.end()}, timeout=SETTLE_S)


async def _sweep(filling: asyncio.Future[Filled], folder: Path) -> None:
    """Remove a folder as soon as nobody writes to it any more."""
    await asyncio.gather(filling, return_exceptions=True)
    shutil.rmtree(folder, ignore_errors=True)


def _no_room(name: str, error: OSError) -> SetupBroken:
    """Why a run has no private folder, or not all its files."""
    reason = error.strerror or "it cannot be written"
    return SetupBroken(one_line(f"{name}: no private folder for the program in {tempfile.gettempdir()}: {reason}."))


def _make_folder() -> Path:
    """A private folder with an empty one to work in and one for the files of the command line."""
    folder = Path(tempfile.mkdtemp(prefix=RUN_PREFIX))
    for part in ("work", "files"):
        (folder / part).mkdir(mode=0o700)
    return folder
