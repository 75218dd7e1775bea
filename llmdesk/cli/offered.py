"""What a shell is offered for a word that names something of the user's: a lane, an agent, a provider, a theme."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmdesk.cli.session import Session
from llmdesk.core.errors import DeskError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from llmdesk.config.settings import Settings
    from llmdesk.paths import Paths

ONE_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names that every shell takes as they are; a palette's file may be called otherwise."""


def names_for(ctx: click.Context, kind: str | None, beginning: str) -> list[str]:
    """The names of this kind that begin so; none where they cannot be read, as nothing may be said while one types.

    Args:
        ctx: of the command that is written.
        kind: what the option or argument is called.
        beginning: what has been typed of the name.
    """
    session = ctx.find_object(Session)
    if session is None or kind not in KINDS:
        return []
    try:
        names = KINDS[kind](session)
    except (DeskError, OSError):
        return []
    return [name for name in names if name.startswith(beginning) and ONE_WORD.fullmatch(name)]


def _paths(session: Session) -> Paths:
    from llmdesk.paths import find_paths

    return find_paths(session.config, session.env)


def _lanes(session: Session) -> Iterable[str]:
    return _settings(session).lanes


def _agents(session: Session) -> Iterable[str]:
    return _settings(session).agents


def _providers(session: Session) -> Iterable[str]:
    return _settings(session).providers


def _settings(session: Session) -> Settings:
    from llmdesk.config.loader import load_settings

    return load_settings(_paths(session).existing_config(), session.env).settings


def _themes(session: Session) -> Iterable[str]:
    from llmdesk.paths import find_themes

    folders = find_themes(_paths(session))
    return sorted({file.stem for folder in folders for file in folder.iterdir() if file.suffix == ".yaml"})


KINDS = {"lane": _lanes, "agent": _agents, "provider": _providers, "theme": _themes}
"""What options and arguments are called, and where the names for them come from."""
