"""The reference page of the settings, in Markdown: ``python -m llmdesk.config.reference FILE`` writes it."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from llmdesk.config.describe import field_texts, models

INTRODUCTION = """\
# Configuration

<!-- Made by llmdesk/config/reference.py from the settings; `python -m llmdesk.config.reference FILE` writes it. -->

`llmdesk.yaml` stands in the folder `llmdesk config path` prints; `LLMDESK_CONFIG` or `--config` name another file, and
`LLMDESK_HOME` puts everything below one folder. Without a file everything works: `cloud` (when `OLLAMA_API_KEY` is
set), `local`, and seven lanes that ask the one and then the other. `llmdesk config init` writes a commented file,
`llmdesk config validate` lists everything that is wrong with it, `llmdesk config show` prints what is in force.

- **Order.** Defaults, then the file, then the environment, then the command line. The environment's own settings are
  `LLMDESK_LANE` (`default_lane`), `LLMDESK_THEME` (`ui.theme`), `LLMDESK_NETWORK` (`privacy.network`) and
  `LLMDESK_RECORD` (`privacy.record`); `OLLAMA_HOST` and the usual names of keys feed the defaults.
- **By name.** Providers and lanes of the file extend the defaults. An entry that is written replaces the default of
  that name as a whole; `null` removes it. Lanes stand in the file's order, then the defaults.
- **Templates.** `${NAME}` and `${NAME:-default}` come from the environment, `$$` is a dollar sign. A provider with a
  missing name is switched off and the rest works; elsewhere it is an error. Inside `{ }` and `[ ]` YAML wants quotes
  around them. In `api_key`, `headers` and `env`, `$(command)` stands for the output of a command (words, no shell) and
  `${keyring:SERVICE/NAME}` for an entry of the system's keychain; either has 10 seconds, and only when the provider is
  called. The keychain needs `pip install 'llmdesk[keyring]'` and an entry made by `keyring set SERVICE NAME`.
- **Keys.** Write them as templates. A key written out is accepted in a file only you can read (mode 0600). A file
  that others can change may name no programs. [providers.md](providers.md) shows each provider with its key.
- **Addresses.** Plain `http://` is for this machine, or with `allow_http: true`.
- **Short form.** `provider: ollama` (or `cloud`, `local`, `openai`, `anthropic`, `google`) and `model: NAME`, with
  `base_url` and `api_key` where needed, put that model first in every lane.
- **Not accepted:** unknown or duplicate keys, anchors, aliases, tags, files over 1 MiB.
"""

NAMES = (
    "A provider's own `models` go before these. Those of kind openai hold at OpenAI's own address only: other servers "
    "of its format have other models."
)
"""What stands above the table of short names."""


def reference() -> str:
    """The reference page, in Markdown."""
    from llmdesk.config.defaults import ALIASES
    from llmdesk.config.merge import read_presets, read_tools

    texts = field_texts()
    lines = [INTRODUCTION]
    for model, heading in models().items():
        lines += [f"## {heading}", "", " ".join((model.__doc__ or "").split()), ""]
        lines += ["| key | default | meaning |", "| --- | --- | --- |"]
        for name, field in model.model_fields.items():
            key = field.alias or name
            text = texts[model.__name__, key].replace("|", "\\|")
            lines.append(f"| `{key}` | {_default(field)} | {text}{_choices(text, field.annotation)} |")
        lines.append("")
    lines += ["## Short names of models", "", NAMES, ""]
    lines += ["| kind | short name | model |", "| --- | --- | --- |"]
    lines += [f"| {kind} | `{name}` | `{model}` |" for kind, names in ALIASES.items() for name, model in names.items()]
    lines += ["", "## Presets of kind openai", "", "| preset | address | key |", "| --- | --- | --- |"]
    for name, preset in read_presets().items():
        key = f"`{preset['api_key']}`" if "api_key" in preset else "none"
        lines.append(f"| `{name}` | `{preset['base_url']}` | {key} |")
    lines += ["", "## Presets of kind command", "", "See [tools](tools.md).", ""]
    lines += ["| preset | how it is installed |", "| --- | --- |"]
    for name, tool in read_tools().items():
        install = str(tool["install"]).replace("|", "\\|")
        lines.append(f"| `{name}` | `{install}` |")
    return "\n".join(lines) + "\n"


def _choices(text: str, annotation: Any) -> str:
    """The values that a setting can have, where they are few and ``text`` does not name all of them."""
    values = [f"`{value}`" for value in _literals(annotation)]
    if len(values) < 2 or all(value in text for value in values):
        return ""
    return f" {'Keys:' if get_origin(annotation) is dict else 'One of'} {', '.join(values)}."


def _literals(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) for value in _literals(part))


def _default(field: Any) -> str:
    from pydantic_core import PydanticUndefined

    if field.default_factory is not None or field.default in (None, ()):
        return ""
    if field.default is PydanticUndefined:
        return ""
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


if __name__ == "__main__":
    import sys
    from pathlib import Path

    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
