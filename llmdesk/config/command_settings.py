"""Settings of a program on this machine that answers prompts (kind ``command``)."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from llmdesk.config.common_settings import Billing, CommonSettings
from llmdesk.config.secret import Secret
from llmdesk.config.section import Section, Text, Texts
from llmdesk.core.json_path import PathError, parse_path

PLACEHOLDERS = (
    "{prompt}", "{prompt:json}", "{model}", "{max_tokens}", "{file}", "{file:prompt}", "{file:system}",
    "{file:schema}", "{file:image}",
)  # fmt: skip
"""What may stand in a ``command`` and its ``stdin``."""

_PLACEHOLDER = re.compile(r"\{[a-z_]+(?::[a-z_]*)?\}")


def _words(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError('must be a list of words: ["program", "argument"]; there is no shell')  # noqa: TRY004 - pydantic collects this
    return value


def _known_placeholders(text: str) -> None:
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            raise ValueError(f"unknown placeholder {name}; known are {', '.join(PLACEHOLDERS)}")


def _safe_words(words: tuple[str | tuple[str, ...], ...]) -> tuple[str | tuple[str, ...], ...]:
    """Check the words of a command line: placeholders, the program, and the guard before a prompt (policy T9)."""
    if not words:
        raise ValueError("must not be empty")
    if not isinstance(words[0], str) or not words[0]:
        raise ValueError("the first word is the program; it cannot be left out")
    guarded = False
    for item in words:
        guard = guarded
        for word in (item,) if isinstance(item, str) else item:
            _known_placeholders(word)
            guard = guard or word == "--"
            if "{prompt" in word and not guard:
                raise ValueError(
                    "{prompt} on a command line needs the word -- before it, so that a prompt is never read as an "
                    "option; better give it on stdin, which is the default, or as {file}"
                )
        guarded = guarded or item == "--"  # one in an optional group guards that group only
    return words


def _tag(value: Any) -> str:
    return "many" if isinstance(value, list | tuple) else "one"


def _some(many: tuple[str, ...]) -> tuple[str, ...]:
    if not many:
        raise ValueError("must not be empty")
    return many


Many = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_some)]

Word = Annotated[Annotated[str, Tag("one")] | Annotated[Many, Tag("many")], Discriminator(_tag)]
"""A word of a command line, or an optional group of them."""

CommandWords = Annotated[
    tuple[Word, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(_words, json_schema_input_type=list[str | list[str]]),
    AfterValidator(_safe_words),
]


class PlatformSettings(Section):
    """What differs on one platform; each key replaces the provider's own."""

    command: CommandWords | None = None
    """The program and its arguments."""
    env: dict[Text, Secret] | None = None
    """Its environment."""
    cwd: Text | None = None
    """Its working folder."""
    install: Text | None = None
    """How to install it."""


def _known_paths(paths: str | tuple[str, ...]) -> str | tuple[str, ...]:
    for text in (paths,) if isinstance(paths, str) else paths:
        try:
            parse_path(text)
        except PathError as error:
            raise ValueError(str(error)) from None
    return paths


Paths = Annotated[
    Annotated[str, Tag("one")] | Annotated[Many, Tag("many")], Discriminator(_tag), AfterValidator(_known_paths)
]


class UsagePaths(Section):
    """Where a program's JSON tells its tokens; each one path, or a list that is added up."""

    input_tokens: Paths | None = None
    """Tokens of the prompt."""
    output_tokens: Paths | None = None
    """Tokens of the answer."""
    cached_input_tokens: Paths | None = None
    """Those of the prompt that came from a cache."""
    cache_write_tokens: Paths | None = None
    """Those of the prompt that were written to a cache."""
    reasoning_tokens: Paths | None = None
    """Those of the answer that were spent on reasoning."""


class OutputSettings(Section):
    """Where the answer stands in what a program prints, and what else is told there. One of `json` and `jsonl`."""

    json_path: Paths | None = Field(default=None, alias="json")
    """The output is one JSON document; the path of the answer in it, like `$.result`. Of a list of paths the first
    that finds something counts."""
    jsonl_path: Paths | None = Field(default=None, alias="jsonl")
    """The output is one JSON document a line; the path of each piece of the answer, like `$.delta`."""
    keep: Literal["all", "last"] | None = None
    """For `jsonl`: whether all pieces together are the answer, or only the last one; those before it are then shown as
    reasoning. Not set: all."""
    reasoning: Paths | None = None
    """The path of reasoning."""
    usage: UsagePaths | None = None
    """Where the tokens are told. Not set: they are estimated."""
    error: Paths | None = None
    """The path of an error's text; a run that reports one has failed, whatever its exit code."""
    failed: Paths | None = None
    """The path of a value that tells whether the run failed; `error` then counts only where this is true."""
    model: Paths | None = None
    """The path of the name of the model that answered."""

    @model_validator(mode="after")
    def _one(self) -> "OutputSettings":
        if self.json_path and self.jsonl_path:
            raise ValueError("must have one of json and jsonl, not both")
        if not (self.json_path or self.jsonl_path) and self.model_fields_set:
            raise ValueError("must have one of json and jsonl, the path of the answer")
        return self


def _output(value: Any) -> Any:
    if value == "text":
        return OutputSettings()
    if isinstance(value, dict) and value:
        return value
    if isinstance(value, OutputSettings):
        return value
    raise ValueError('must be text, {json: "$.path"} or {jsonl: "$.path"}')


Output = Annotated[OutputSettings, BeforeValidator(_output, json_schema_input_type=Literal["text"] | OutputSettings)]


class LimitSettings(Section):
    """Texts on stderr or stdout of a failed run that tell what kind of failure it was; case does not matter."""

    quota: Texts = ()
    """A limit of the plan is used up."""
    rate: Texts = ()
    """Too many requests just now."""
    auth: Texts = ()
    """Not logged in."""


class CommandSettings(CommonSettings):
    """A program on this machine that answers prompts."""

    kind: Literal["command"] = "command"
    """The wire format."""
    billing: Billing = "free"
    """Whether tokens cost money; a plan counts as free."""
    preset: Text | None = None
    """A ready definition: `claude`, `codex`, `gemini`, `agy` or `llm`. Keys written beside it go before its own."""
    command: CommandWords
    """The program and its arguments, one word an item, never a shell. `{prompt}` `{prompt:json}` `{model}`
    `{max_tokens}` `{file}` `{file:system}` `{file:schema}` `{file:image}` stand for values of the request; a list
    inside is left out where one of its values is missing. `{prompt}` needs `--` before it."""
    stdin: str = "{prompt}"
    """What the program reads; empty = nothing."""
    output: Output = Field(default_factory=OutputSettings.model_construct)
    """Where the answer stands in what it prints: `text`, `{json: "$.path"}` or `{jsonl: "$.path"}`."""
    env: dict[Text, Secret] = Field(default_factory=dict)
    """Variables of its environment, on top of a small allow-list; an empty one is not set."""
    cwd: Text | None = None
    """Its working folder. Not set: an empty private one, because such programs edit files."""
    platforms: dict[Literal["linux", "macos", "windows"], PlatformSettings] = Field(default_factory=dict)
    """What differs on a platform."""
    limits: LimitSettings = Field(default_factory=LimitSettings.model_construct)
    """Texts that tell failures apart."""
    install: Text | None = None
    """How to install the program; shown when it is missing."""

    @field_validator("stdin")
    @classmethod
    def _placeholders(cls, text: str) -> str:
        _known_placeholders(text)
        return text

    @model_validator(mode="after")
    def _asks(self) -> "CommandSettings":
        told = f"{self.command} {self.stdin}"
        if not any(name in told for name in ("{prompt", "{file}", "{file:prompt}")):
            raise ValueError("the prompt stands nowhere: neither stdin nor command holds {prompt} or {file}")
        return self

    @property
    def native_schema(self) -> bool:
        """Whether the program is told the schema of the answer."""
        return "{file:schema}" in f"{self.command} {self.stdin}"
