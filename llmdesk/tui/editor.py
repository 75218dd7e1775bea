"""Writing a prompt in the user's own editor, with the desk out of the way meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from textual.app import App


def edit_text(app: App[None], text: str) -> tuple[str, str]:
    """Open the editor (``VISUAL``, ``EDITOR``, else the system's) on ``text``.

    Returns:
        The new text and a problem to tell the user; with a problem the text is the old one.
    """
    import click

    try:
        with app.suspend():
            edited = click.edit(text, extension=".md", require_save=False)
    except SuspendNotSupported:
        return text, "This terminal cannot be handed to an editor."
    except click.ClickException as error:
        return text, f"{error.format_message()} The text is as it was."
    return (text if edited is None else edited.rstrip("\n")), ""
