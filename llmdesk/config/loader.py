"""From file and environment to settings: all faults at once, or everything."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from llmdesk.config.defaults import LOCAL_ADDRESS, OVERRIDES, default_settings
from llmdesk.core.errors import ConfigurationError
from llmdesk.core.ollama_host import LOCAL_URL
from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llmdesk.config.lane_files import SchemaCheck
    from llmdesk.config.settings import Settings
    from llmdesk.config.source import Source
    from llmdesk.core.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings in force.

    ``disabled`` maps a provider that cannot be called to the reason; it stays in its lanes as a target that is
    skipped. ``provider_notes`` are lines about single providers that the user wrote down (disabled, retired), for
    whoever asks a lane with one of them. ``systems`` and ``schemas`` hold, by lane, what the files named by the lanes
    say. ``file`` is ``None`` when there is none.
    """

    settings: Settings
    file: Path | None = None
    provider_notes: Mapping[str, str] = field(default_factory=dict)
    disabled: Mapping[str, str] = field(default_factory=dict)
    systems: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[str, Json] = field(default_factory=dict)


def load_settings(
    file: Path | None,
    env: Mapping[str, str],
    *,
    check_schema: SchemaCheck | None = None,
    source: Source | None = None,
) -> Loaded:
    """Read the configuration.

    Args:
        file: the file to read; ``None`` = there is none, so the defaults hold and nothing is opened.
        env: the environment, for templates, keys, and the few settings it holds itself.
        check_schema: says what is wrong with the schema of a lane (policy H1); without it they are taken as they are.
        source: take this for what ``file`` says; ``None`` = read it.

    Raises:
        ConfigurationError: with every fault of the file, each as ``file:line:column: message``.
    """
    from llmdesk.config.secret import learn_proxies

    learn_proxies(env)
    if file is None and not any(env.get(name) for name in OVERRIDES):
        return _without_file(env)
    return _load(file, env, check_schema, source)


def validate(file: Path | None, env: Mapping[str, str], *, check_schema: SchemaCheck | None = None) -> tuple[str, ...]:
    """Every fault of a configuration, each as ``file:line:column: message``; none means that it loads."""
    try:
        load_settings(file, env, check_schema=check_schema)
    except ConfigurationError as error:
        return error.faults
    return ()


def _load(file: Path | None, env: Mapping[str, str], check_schema: SchemaCheck | None, source: Source | None) -> Loaded:
    from llmdesk.config.draft import Draft
    from llmdesk.config.expand import expand
    from llmdesk.config.lane_files import read_lane_files
    from llmdesk.config.merge import merge_defaults
    from llmdesk.config.references import check_references
    from llmdesk.config.schema_faults import validated
    from llmdesk.config.source import Source, read_source
    from llmdesk.config.yaml_tree import Tree, read_tree

    if source is None:
        source = read_source(file) if file else Source(text="")
    tree = read_tree(source.text) if file else Tree()
    data = {} if tree.root is None else tree.root
    draft = Draft(file=file, env=env, source=source, tree=tree, data=data)
    if not isinstance(data, dict):
        draft.fault((), "a configuration is a mapping (key: value)")
        draft.data = {}
        draft.raise_faults()
    merge_defaults(draft)
    expand(draft)
    check_references(draft)
    settings = validated(draft)
    systems, schemas = read_lane_files(draft, check_schema)
    draft.raise_faults()
    assert settings is not None
    return Loaded(
        settings=settings,
        file=file,
        provider_notes=draft.provider_notes,
        disabled=draft.disabled,
        systems=systems,
        schemas=schemas,
    )


def _without_file(env: Mapping[str, str]) -> Loaded:
    """The defaults, without parsing, validating or opening anything."""
    from llmdesk.config.expand import address_from, no_key
    from llmdesk.config.secret import key_fault
    from llmdesk.core.text import redact

    disabled: dict[str, str] = {}
    notes: dict[str, str] = {}
    key = env.get("OLLAMA_API_KEY", "").strip()
    if not key:
        disabled["cloud"] = no_key(("OLLAMA_API_KEY",))
    elif fault := key_fault(key):
        disabled["cloud"] = f"$OLLAMA_API_KEY {fault}"
        notes["cloud"] = f"provider cloud is disabled: {disabled['cloud']}"
    redact.learn(key)
    url, plain, problem = address_from(LOCAL_ADDRESS, env, ollama=True)
    if problem:
        disabled["local"] = problem
        notes["local"] = f"provider local is disabled: {problem}"
        url = LOCAL_URL
    return Loaded(settings=default_settings(url, allow_http=plain), provider_notes=notes, disabled=disabled)
