"""What a program is told: the words of its command line, its stdin, and the private files they point to.

A template is a list; every word is filled by plain replacement in one pass, so that a prompt that holds ``{model}`` is
never filled itself, and nothing is ever read by a shell (policy T9, T10).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from llmdesk.core.errors import RequestRejected, SetupBroken
from llmdesk.core.types import Role
from llmdesk.core.values import dataclass
from llmdesk.providers.images import media_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from llmdesk.core.types import ChatRequest, Message

    Words = Sequence[str | Sequence[str]]

MAX_WORD = 100_000
"""The longest prompt on a command line, bytes; Linux takes 131,071 a word (policy T9)."""

TOOLS_CHOICE = "default"
"""The model name that leaves the choice to the program: ``{model}`` has no value then."""

_PLACEHOLDER = re.compile(r"\{(prompt|model|max_tokens|file)(?::([a-z]+))?\}")

_HEADINGS = {Role.USER: "User", Role.ASSISTANT: "Assistant", Role.TOOL: "Tool", Role.SYSTEM: "Instructions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A template with the values of one request in it. ``notes`` are lines the user should see."""

    argv: tuple[str, ...]
    stdin: bytes
    notes: tuple[str, ...] = ()


def uses(words: Words, stdin: str, placeholder: str) -> bool:
    """Whether ``placeholder``, like ``{file:schema}``, stands anywhere in a template."""
    return placeholder in stdin or any(placeholder in word for word in _flat(words))


@dataclass(slots=True)
class Template:
    """The command line and stdin of one tool.

    Args:
        name: the provider, for messages.
        words: the program and its arguments; a list inside is an optional group, left out as a whole where a value is
            missing, and repeated for every attached image where it holds ``{file:image}``.
        stdin: what the program reads; empty = nothing.
    """

    name: str
    words: Words
    stdin: str

    def fill(self, request: ChatRequest, folder: Path) -> Filled:
        """Put the values of ``request`` in; files are written to ``folder``.

        Raises:
            RequestRejected: the prompt is too long for a command line, or there are images and no place for them.
            SetupBroken: a word outside an optional group has no value.
        """
        values = _Values(request, folder, separate_system=uses(self.words, self.stdin, "{file:system}"))
        images = values.images()
        if images and not uses(self.words, self.stdin, "{file:image}"):
            raise RequestRejected(f"{self.name}: this program cannot be given images.", target_specific=True)
        argv: list[str] = []
        nul = False
        for item in self.words:
            group = [item] if isinstance(item, str) else list(item)
            wanted: Sequence[Path | None] = images if "{file:image}" in "".join(group) else ()
            for image in wanted or (None,):
                filled = [self._word(word, values, image) for word in group]
                if None in filled:
                    if isinstance(item, str):
                        raise self._without_value(item)
                    continue
                nul = nul or any("\0" in word for word in filled if word)
                argv += [word.replace("\0", "") for word in filled if word is not None]
        stdin = self._word(self.stdin, values, images[0] if images else None, on_argv=False)
        if stdin is None:
            raise self._without_value(self.stdin)
        notes = (
            (f"{self.name}: NUL characters were taken out of the prompt: a command line holds none.",) if nul else ()
        )
        return Filled(argv=tuple(argv), stdin=stdin.encode("utf-8", "replace"), notes=notes)

    def _word(self, word: str, values: _Values, image: Path | None, *, on_argv: bool = True) -> str | None:
        """Fill one word; ``None`` = a value is missing."""
        missing = False

        def value(found: re.Match[str]) -> str:
            nonlocal missing
            text = str(image) if image and found[0] == "{file:image}" else values.value(found[1], found[2] or "")
            missing = missing or text is None
            if on_argv and found[1] == "prompt" and text is not None and len(text.encode()) > MAX_WORD:
                raise RequestRejected(
                    f"{self.name}: the prompt is too long for a command line ({MAX_WORD:,} bytes); use stdin.",
                    target_specific=True,
                )
            return text or ""

        filled = _PLACEHOLDER.sub(value, word)
        return None if missing else filled

    def _without_value(self, word: str) -> SetupBroken:
        named = next((found[0] for found in _PLACEHOLDER.finditer(word)), word)
        return SetupBroken(
            f"{self.name}: {named} has no value in this request; put the words that need it in a list of their own."
        )


class _Values:
    """What the placeholders stand for in one request; a file is written when it is first asked for."""

    def __init__(self, request: ChatRequest, folder: Path, *, separate_system: bool) -> None:
        self._request = request
        self._folder = folder
        self._system = "\n\n".join(message.content for message in request.messages if message.role is Role.SYSTEM)
        shown = [m for m in request.messages if not (separate_system and m.role is Role.SYSTEM)]
        self._prompt = prompt_text(shown)
        self._files: dict[str, Path] = {}

    def value(self, name: str, what: str) -> str | None:
        """The text a placeholder stands for; ``None`` = this request has none."""
        tokens = self._request.params.max_output_tokens
        match name, what:
            case "prompt", "json":
                return json.dumps(self._prompt)
            case "prompt", _:
                return self._prompt
            case "model", _:
                return None if self._request.model == TOOLS_CHOICE else self._request.model
            case "max_tokens", _:
                return None if tokens is None else str(tokens)
            case _:
                return self._file(what or "prompt")

    def images(self) -> list[Path]:
        """Every attached image as a private file, in order."""
        all_images = [image for message in self._request.messages for image in message.images]
        return [
            self._write(f"image-{number}.{_extension(image)}", image)
            for number, image in enumerate(all_images, start=1)
        ]

    def _file(self, what: str) -> str | None:
        schema = self._request.format
        texts: Mapping[str, Callable[[], str]] = {
            "prompt": lambda: self._prompt,
            "system": lambda: self._system,
            "schema": lambda: "" if schema is None or isinstance(schema, str) else json.dumps(schema),
        }
        text = texts[what]() if what in texts else ""
        if not text:
            return None
        name = f"{what}.json" if what == "schema" else f"{what}.txt"
        if what not in self._files:
            self._files[what] = self._write(name, text.encode("utf-8", "replace"))
        return str(self._files[what])

    def _write(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_bytes(data)
        return path


def prompt_text(messages: Sequence[Message]) -> str:
    """The last message as it is; a system prompt and earlier turns stand before it as labelled sections."""
    said = [message for message in messages if message.content]
    if len(said) < 2:
        return said[0].content if said else ""
    return "\n\n".join(f"# {_HEADINGS[message.role]}\n\n{message.content}" for message in said)


def _extension(image: bytes) -> str:
    kind = (media_type(image) or "image/png").removeprefix("image/")
    return "jpg" if kind == "jpeg" else kind


def _flat(words: Words) -> list[str]:
    return [word for item in words for word in ([item] if isinstance(item, str) else item)]
