"""Settings of a program on this machine that answers prompts (kind ``command``)."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from llmdesk.config.common_settings import Billing, CommonSettings
from llmdesk.config.secret import Secret
from llmdesk.config.section import Section, Text, Texts

PLACEHOLDERS = ("prompt", "model", "max_tokens", "file")
"""What may stand in braces in a ``command`` and its ``stdin``."""


def _words(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError('must be a list of words: ["program", "argument"]; there is no shell')  # noqa: TRY004 - pydantic collects this
    return value


def _no_unknown_placeholder(words: tuple[str, ...]) -> tuple[str, ...]:
    for name in re.findall(r"\{([a-z_]+)\}", " ".join(words)):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValueError(f"unknown placeholder {{{name}}}; known are {known}")
    return words


CommandWords = Annotated[Texts, Field(min_length=1), BeforeValidator(_words, json_schema_input_type=list[str])]


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

    _placeholders = field_validator("command")(lambda words: words and _no_unknown_placeholder(words))


class OutputSettings(Section):
    """Where the answer stands in what a program prints. Exactly one is set."""

    json_path: Annotated[str, Field(pattern=r"^\$")] | None = Field(default=None, alias="json")
    """The output is one JSON document; the path of the answer in it, like `$.result`."""
    jsonl_path: Annotated[str, Field(pattern=r"^\$")] | None = Field(default=None, alias="jsonl")
    """The output is one JSON document a line; the path of each piece of the answer, like `$.delta`."""

    @model_validator(mode="after")
    def _one(self) -> "OutputSettings":
        if self.json_path and self.jsonl_path:
            raise ValueError("must have one of json and jsonl, not both")
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
    command: CommandWords
    """The program and its arguments, one word an item, never a shell. `{prompt}` `{model}` `{max_tokens}` `{file}`
    stand for values of the request."""
    stdin: str = "{prompt}"
    """What the program reads."""
    output: Output = Field(default_factory=OutputSettings.model_construct)
    """Where the answer stands in what it prints: `text`, `{json: "$.path"}` or `{jsonl: "$.path"}`."""
    env: dict[Text, Secret] = Field(default_factory=dict)
    """Variables of its environment, on top of a small allow-list."""
    cwd: Text | None = None
    """Its working folder. Not set: an empty private one, because such programs edit files."""
    platforms: dict[Literal["linux", "macos", "windows"], PlatformSettings] = Field(default_factory=dict)
    """What differs on a platform."""
    limits: LimitSettings = Field(default_factory=LimitSettings.model_construct)
    """Texts that tell failures apart."""
    install: Text | None = None
    """How to install the program; shown when it is missing."""

    _placeholders = field_validator("command")(_no_unknown_placeholder)
