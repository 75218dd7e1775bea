"""Keychains for tests, as backends of the keyring package; ``PYTHON_KEYRING_BACKEND`` names one in a child process."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, KeyringLocked

ROOT = Path(__file__).parents[2]
FILE = "KEYCHAIN_FILE"


def keychain(kind: str, **more: str) -> dict[str, str]:
    """The environment in which the keychain is of this ``kind`` (a class below, or a dotted name of keyring's own)."""
    name = kind if "." in kind else f"{__name__}.{kind}"
    return {**os.environ, "PYTHON_KEYRING_BACKEND": name, "PYTHONPATH": str(ROOT), **more}


def filled(folder: Path, **entries: str) -> dict[str, str]:
    """The environment of a keychain that holds ``name = secret`` of the service ``llmdesk``."""
    file = folder / "keychain.json"
    file.write_text(json.dumps({f"llmdesk/{name}": secret for name, secret in entries.items()}))
    return keychain("FileKeychain", **{FILE: str(file)})


class _Keychain(KeyringBackend):
    priority = 1.0  # type: ignore[assignment]

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def get_password(self, service: str, username: str) -> str | None:
        raise NotImplementedError


class FileKeychain(_Keychain):
    """Entries in a JSON file; notes each time it is opened."""

    def get_password(self, service: str, username: str) -> str | None:
        file = Path(os.environ[FILE])
        with file.with_suffix(".opened").open("a") as opened:
            opened.write(f"{service}/{username}\n")
        entries = json.loads(file.read_text())
        secret = entries.get(f"{service}/{username}")
        return None if secret is None else str(secret)


class LockedKeychain(_Keychain):
    """Nobody unlocks it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection with password canary-unlock-0123!")


class BrokenKeychain(_Keychain):
    """Fails and says more than it should."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringError("canary-broken-0123 could not be decoded")


class HangingKeychain(_Keychain):
    """Waits for a dialog nobody sees."""

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(60)
        return None
