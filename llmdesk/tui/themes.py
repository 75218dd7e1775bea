"""Palettes: YAML files in ``themes/`` and beside the user's configuration, made into Textual themes.

The two palettes of the first paint are also kept here as values, so that no YAML is parsed before it.
"""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from textual.theme import BUILTIN_THEMES, Theme

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

DEFAULT = Theme(
    name="midnight",
    primary="#7aa2f7",
    secondary="#7dcfff",
    accent="#bb9af7",
    foreground="#c8d3f5",
    background="#12141f",
    surface="#181b2a",
    panel="#232842",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    variables=dict.fromkeys(
        ("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active", "scrollbar-corner-color"),
        "#181b2a",
    ),
)
"""What ``themes/midnight.yaml`` says."""

SIXTEEN = Theme(
    name="ansi16",
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_bright_magenta",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    dark=True,
    ansi=True,
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,
        "block-cursor-foreground": "ansi_bright_white",
        "block-cursor-background": "ansi_blue",
        "block-hover-background": "ansi_default",
        "border-blurred": "ansi_bright_black",
        "input-cursor-foreground": "ansi_default",
        "input-cursor-background": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-foreground": "ansi_bright_white",
        "input-selection-background": "ansi_blue",
        "screen-selection-foreground": "ansi_bright_white",
        "screen-selection-background": "ansi_blue",
        "scrollbar": "ansi_blue",
        "scrollbar-active": "ansi_bright_blue",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
        "scrollbar-hover": "ansi_bright_blue",
        "muted": "ansi_bright_black",
    },
)
"""What ``themes/ansi16.yaml`` says: worn from the first paint where the terminal has no more colours."""

MAX_BYTES = 64 * 1024
"""A palette is a few lines; anything larger is not one."""

MAX_DEPTH = 4
"""Levels of lists and mappings that are looked at; a palette has two."""

_COLORS = frozenset(
    {
        "primary", "secondary", "accent", "foreground", "background", "surface", "panel", "boost",
        "success", "warning", "error",
    }
)  # fmt: skip
_STYLES = frozenset({"none", "bold", "dim", "italic", "reverse", "strike", "underline"})
_VARIABLE = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Palettes:
    """What was found: themes by name, the user's own over the built-in ones, and a note for each file not taken."""

    themes: Mapping[str, Theme]
    notes: tuple[str, ...]


def load_palettes(folders: Iterable[Path]) -> Palettes:
    """Read every ``*.yaml`` of the folders, in order; a later palette of the same name wins."""
    themes = {DEFAULT.name: DEFAULT}
    notes: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            try:
                theme = read_palette(path)
            except (OSError, ValueError) as error:
                notes.append(f"Theme {path.name} was not taken: {error}")
            else:
                themes[theme.name] = theme
    return Palettes(themes=themes, notes=tuple(notes))


def read_palette(path: Path) -> Theme:
    """Read one palette.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a palette; the message says which line of it.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no file")
    if found.st_size > MAX_BYTES:
        raise ValueError("it is too large for a palette")
    try:
        text = path.read_text(encoding="utf-8")
        _check_shape(YAML(typ="safe", pure=True).parse(text))
        tree = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, UnicodeDecodeError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from None
    if not isinstance(tree, dict):
        raise ValueError("it is not a mapping")  # noqa: TRY004 - a fault of the file
    unknown = sorted(str(key) for key in tree.keys() - {"name", "dark", "ansi", "colors", "variables"})
    if unknown:
        raise ValueError(f"unknown key '{unknown[0]}'")
    return _theme(path.stem, tree)


def muted(theme: Theme) -> str:
    """The colour of what stands beside the point, where a palette sets none: foreground faded into background."""
    from textual.color import Color

    if theme.ansi or theme.foreground is None or theme.background is None:
        return "ansi_bright_black"
    return Color.parse(theme.background).blend(Color.parse(theme.foreground), 0.65).hex


def _theme(stem: str, tree: Mapping[str, object]) -> Theme:
    name, dark, ansi = tree.get("name", stem), tree.get("dark", True), tree.get("ansi", False)
    if not isinstance(name, str) or not isinstance(dark, bool) or not isinstance(ansi, bool):
        raise ValueError("name must be a text, dark and ansi true or false")  # noqa: TRY004 - of the file
    colors = _texts(tree.get("colors"), "colors")
    variables = _texts(tree.get("variables", {}), "variables")
    if unknown := sorted(colors.keys() - _COLORS):
        raise ValueError(f"colors: unknown colour '{unknown[0]}'")
    if "primary" not in colors:
        raise ValueError("colors: primary is missing")
    if wrong := [key for key in variables if not _VARIABLE.fullmatch(key)]:
        raise ValueError(f"variables: '{wrong[0]}' is not a name")
    for key, value in {**colors, **variables}.items():
        _check_color(key, value)
    if ansi:
        # Textual's stylesheet asks for these as soon as a theme is of the terminal's own colours.
        variables = {**BUILTIN_THEMES["ansi-dark" if dark else "ansi-light"].variables, **variables}
    return Theme(
        name=name, primary=colors["primary"], secondary=colors.get("secondary"), accent=colors.get("accent"),
        foreground=colors.get("foreground"), background=colors.get("background"), surface=colors.get("surface"),
        panel=colors.get("panel"), boost=colors.get("boost"), success=colors.get("success"),
        warning=colors.get("warning"), error=colors.get("error"), dark=dark, ansi=ansi, variables=variables,
    )  # fmt: skip


def _check_shape(events: Iterable[object]) -> None:
    """Refuse what a palette never has, before anything is made of it: aliases, and more than a few levels.

    Raises:
        ValueError: it has.
    """
    from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

    depth = 0
    for event in events:
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        if isinstance(event, AliasEvent):
            raise ValueError("it has aliases (*)")  # noqa: TRY004 - a fault of the file


def _texts(value: object, key: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise ValueError(f"{key} must map names to texts")
    return dict(value)


def _check_color(key: str, value: str) -> None:
    if key.endswith("-style"):
        if wrong := sorted(set(value.split()) - _STYLES):
            raise ValueError(f"{key}: '{wrong[0]}' is not a text style")
        return
    from textual.color import Color, ColorParseError

    try:
        Color.parse(value)
    except ColorParseError:
        raise ValueError(f"{key}: '{value}' is not a colour") from None
