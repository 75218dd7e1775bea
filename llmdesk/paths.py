"""Where files live: the platform's folders, or everything below ``LLMDESK_HOME``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from llmdesk.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "llmdesk.yaml"

HOMELESS = Path(os.devnull) / "llmdesk"
"""Stands for the folders of a user without a home: nothing can be there, and nothing can be made there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A folder that could not be made, is not private or cannot be written.

    Args:
        folder: which.
        words: what is wrong with it.
        cause: why, in the system's words; empty = it did not say.
    """

    folder: Path
    words: str
    cause: str = ""

    def __str__(self) -> str:
        return f"{self.folder} {self.words}{f': {self.cause}' if self.cause else ''}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The folders and files of one installation; nothing exists until ``create``.

    ``config_named`` is true when the user named the configuration file, so that its absence is an error.
    """

    config_file: Path
    config_named: bool
    config_dir: Path
    data_dir: Path
    state_dir: Path

    @property
    def database(self) -> Path:
        """Conversations, requests, attempts, spend."""
        return self.data_dir / "llmdesk.db"

    @property
    def metrics_overflow(self) -> Path:
        """Measurements the database could not take."""
        return self.data_dir / "metrics.jsonl"

    @property
    def prompts(self) -> Path:
        """The user's library of prompts, beside the configuration that is in use; it need not exist."""
        return self.config_file.parent / "prompts"

    @property
    def state_file(self) -> Path:
        """Cooldowns, shared by all running instances."""
        return self.state_dir / "llm_state.json"

    @property
    def log_file(self) -> Path:
        """The structured log."""
        return self.state_dir / "llmdesk.log"

    def existing_config(self) -> Path | None:
        """The configuration file to load: ``None`` when there is none and the user named none."""
        return self.config_file if self.config_named or self.config_file.exists() else None

    @property
    def homeless(self) -> bool:
        """The user has no home folder, so that there is no place for anything."""
        return HOMELESS in self.data_dir.parents

    def create(self) -> tuple[Unusable, ...]:
        """Make the folders, readable by their owner only.

        Returns:
            Each folder that could not be made, is not private or cannot be written; the program runs on without it.
        """
        folders = (self.config_dir, self.data_dir, self.state_dir)
        return tuple(filter(None, map(_create_private, folders)))


def find_paths(config: Path | None = None, env: Mapping[str, str] | None = None) -> Paths:
    """Work out where everything lives; touches no file.

    Args:
        config: the file named on the command line, which goes before ``LLMDESK_CONFIG``.
        env: the environment; the process's own when not given. The platform's folders (``XDG_CONFIG_HOME`` …) always
            come from the process's own.

    Raises:
        UsageError: a path begins with the home folder of somebody who has none.
    """
    env = os.environ if env is None else env
    if home := env.get("LLMDESK_HOME"):
        root = Path(os.path.abspath(_expanded(Path(home), "LLMDESK_HOME")))  # noqa: PTH100 - keeps links
        config_dir, data_dir, state_dir = root / "config", root / "data", root / "state"
    else:
        config_dir, data_dir, state_dir = _platform_folders()
    named = config or (Path(env["LLMDESK_CONFIG"]) if env.get("LLMDESK_CONFIG") else None)
    return Paths(
        config_file=_expanded(named, "the configuration file") if named else config_dir / FILE_NAME,
        config_named=named is not None,
        config_dir=config_dir,
        data_dir=data_dir,
        state_dir=state_dir,
    )


def _platform_folders() -> tuple[Path, Path, Path]:
    """The platform's folders for configuration, data and state; without a home folder, places that cannot exist."""
    from platformdirs import PlatformDirs

    folders = PlatformDirs("llmdesk", appauthor=False)
    try:
        return folders.user_config_path, folders.user_data_path, folders.user_state_path
    except RuntimeError:  # no HOME, and a user the system does not know: a container, for example (policy D4)
        return HOMELESS / "config", HOMELESS / "data", HOMELESS / "state"


def _expanded(path: Path, what: str) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        from llmdesk.core.errors import UsageError

        raise UsageError(f"{what}: there is no home folder for '{path}'.") from None


def process_environment() -> Mapping[str, str]:
    """The environment of this process as it is now."""
    return dict(os.environ)


def find_themes(paths: Paths | None = None) -> tuple[Path, ...]:
    """The folders that hold palettes, the built-in one first; those that do not exist are left out.

    An installed package carries its palettes inside; a checkout has them beside the package.
    """
    package = Path(__file__).resolve().parent
    built_in = next((p for p in (package / "_themes", package.parent / "themes") if p.is_dir()), None)
    own = (paths or find_paths()).config_dir / "themes"
    return tuple(path for path in (built_in, own) if path is not None and path.is_dir())


def _create_private(folder: Path) -> Unusable | None:
    """Make one folder and its missing parents with mode 0700."""
    from llmdesk.new_files import FOLDER_MODE, make_private_folder

    try:
        make_private_folder(folder)
        if not folder.is_dir():
            return Unusable(folder=folder, words="is a file, and a folder is needed there")
        if os.name == "posix" and folder.stat().st_mode & 0o077:
            folder.chmod(FOLDER_MODE)
    except OSError as error:
        cause = error.strerror or str(error)
        return Unusable(folder=folder, words="cannot be made private and writable", cause=cause)
    return None if is_writable(folder) else Unusable(folder=folder, words="cannot be written to")


def is_writable(folder: Path) -> bool:
    """There is such a folder, and files can be made in it, as far as the system tells beforehand."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
