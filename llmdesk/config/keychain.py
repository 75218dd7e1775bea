"""One entry of the system's keychain, read by a program of its own: ``python keychain.py SERVICE NAME``.

A keychain may ask the user, wait for another process, or hang; a process can be ended, a thread cannot. Its code stays
out of llmdesk's memory too. The secret goes to standard output, the exit code says what became of it.
"""

from __future__ import annotations

import sys

FOUND = 0
NO_PACKAGE = 10
NO_KEYCHAIN = 11
NO_ENTRY = 12
LOCKED = 13
FAILED = 14


def main(service: str, name: str) -> int:
    """Print the secret of one entry; returns the exit code."""
    try:
        import keyring
        from keyring.errors import KeyringLocked, NoKeyringError
    except ImportError:
        return NO_PACKAGE
    try:
        secret = keyring.get_password(service, name)
    except NoKeyringError:
        return NO_KEYCHAIN
    except KeyringLocked:
        return LOCKED
    except Exception:  # noqa: BLE001 - backends raise what they like, and its text may hold anything
        return FAILED
    if secret is None:
        return NO_ENTRY
    sys.stdout.buffer.write(secret.encode())
    return FOUND


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
