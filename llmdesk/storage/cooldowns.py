"""Cooldowns on disk, shared by all running instances: durable before anything else is asked (policy R2, R14)."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from llmdesk.core.cooldown import MAX_DURATION_S, is_settled, later, remaining_s, settled, start
from llmdesk.core.text import one_line, redact
from llmdesk.new_files import make_private_folder
from llmdesk.storage import state_format
from llmdesk.storage.clocks import system_clock
from llmdesk.storage.files import change_mark, corrupt_name, left_over_temps, read_small, replace_durably

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llmdesk.core.cooldown import Cooldown, Instant
    from llmdesk.storage.files import Mark

LOCK_TIMEOUT_S = 2.0
"""How long another instance's update is waited for; then the deadline matters more than that update."""

GLANCE_S = 0.05
"""How long a look waits for an update of this process, seconds; the screen must not stand still behind a slow disk."""

MAX_BYTES = 4 << 20
"""The largest state file that is read; ten thousand providers need less."""

OLDEST_DURATION_S = 600.0
"""The one cooldown the oldest format knew, seconds."""


class CooldownFile:
    """The cooldowns of all providers. Every method blocks for a disk's time at most and may be called in any thread.

    Args:
        path: ``llm_state.json``; ``None`` = in memory, for this process alone.
        clock: now, on both clocks.
        oldest: the provider whose deadline the oldest format knew.
        oldest_duration_s: how long a cooldown of that format can have been, seconds.
        on_warning: told in one line what the user should know.
        unwritable: that nothing can be written there was found and said before: it is not said again.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Callable[[], Instant] = system_clock,
        *,
        oldest: str = "cloud",
        oldest_duration_s: float = OLDEST_DURATION_S,
        on_warning: Callable[[str], None],
        unwritable: bool = False,
    ) -> None:
        self.path = path
        self._clock = clock
        self._oldest = oldest
        self._oldest_duration_s = oldest_duration_s
        self._warn = on_warning
        self._unwritable = unwritable
        self._mutex = threading.RLock()
        self._seen: tuple[Mark] | None = None
        self._known: dict[str, Cooldown] = {}
        # What the disk did not take, or not yet; it counts all the same.
        self._unsaved: dict[str, Cooldown] = {}
        self._told: set[str] = set()

    def mark(self) -> object:
        """A value that differs after any instance has changed the file; costs one ``stat``."""
        return None if self.path is None else change_mark(self.path)

    def current(self) -> dict[str, Cooldown]:
        """The cooldowns that still run, by provider. The file is read only when it has changed."""
        return {provider: each for provider, (each, _) in self.resting().items()}

    def resting(self) -> dict[str, tuple[Cooldown, float]]:
        """As ``current``, each with how long it still lasts, seconds: all of it from one look."""
        if self._mutex.acquire(timeout=GLANCE_S):
            try:
                self._refresh()
                now = self._clock()
                if not all(is_settled(each, now) for each in (*self._known.values(), *self._unsaved.values())):
                    self._settle(now)
            finally:
                self._mutex.release()
        now = self._clock()
        return {
            provider: (each, left_s)
            for provider, each in self._merged(now).items()
            if (left_s := remaining_s(each, now)) > 0
        }

    def get(self, provider: str) -> Cooldown | None:
        """The running cooldown of a provider; ``None`` = it may be called."""
        found = self.resting().get(provider)
        return found[0] if found is not None else None

    def remaining_s(self, provider: str) -> float:
        """How long a provider still rests, seconds; 0 = it may be called."""
        found = self.resting().get(provider)
        return found[1] if found is not None else 0.0

    def cool(self, provider: str, reason: str, message: str, duration_s: float) -> Cooldown:
        """Let a provider rest for ``duration_s`` seconds; when this returns, the deadline is on disk.

        The later of an old and a new deadline counts (policy R14). A disk that refuses is told to the user once, and
        the cooldown then holds in this process.

        Args:
            provider: its name.
            reason: ``rate`` or ``quota``.
            message: one line for the user.
            duration_s: more than 0; longer than 31 days counts as 31 days.
        """
        now = self._clock()
        new = start(provider, reason, redact(one_line(message)), min(duration_s, MAX_DURATION_S), now)
        # Seen by this process at once, on disk before it returns; whoever saves at this moment may pass over the first.
        self._unsaved = {**self._unsaved, provider: later(self._unsaved.get(provider), new, now)}
        with self._mutex:
            now = self._clock()
            self._unsaved = {**self._unsaved, provider: later(self._merged(now).get(provider), new, now)}
            self._save()
            return self._merged(self._clock())[provider]

    def clear(self, provider: str) -> None:
        """End a provider's cooldown before its time."""
        with self._mutex:
            self._refresh()
            if provider in self._merged(self._clock()):
                self._save(without=provider)

    # --- reading ------------------------------------------------------------------------------------------------

    def _merged(self, now: Instant) -> dict[str, Cooldown]:
        merged = dict(self._known)
        for provider, cooldown in self._unsaved.items():
            merged[provider] = later(merged.get(provider), cooldown, now)
        return merged

    def _refresh(self) -> None:
        if self.path is None:
            return
        if self._seen is None:
            self._remove_temps(self.path)
        mark = change_mark(self.path)
        if self._seen == (mark,):
            return
        if mark is None and self._known:
            # Deleted while we run: what was in force stays in force (policy D8).
            self._unsaved = self._merged(self._clock())
            self._save()
        elif (state := self._read(self.path)) is not None:
            self._known = dict(state.cooldowns)
        self._seen = (change_mark(self.path),)

    def _read(self, path: Path) -> state_format.State | None:
        try:
            try:
                state = self._decode(path)
            except ValueError:
                with self._locked(path):
                    state = self._decode_or_move_aside(path)
        except OSError as error:
            self._tell(f"{path} cannot be read ({error.strerror or error}): no cooldown is known from it.")
            return None
        if state.faults:
            self._tell(f"{path}: {'; '.join(state.faults)}. That was passed over.")
        return state

    def _decode(self, path: Path) -> state_format.State:
        try:
            text = read_small(path, MAX_BYTES).decode("utf-8-sig")
        except FileNotFoundError:
            return state_format.EMPTY
        return state_format.decode(text, oldest=self._oldest, oldest_duration_s=self._oldest_duration_s)

    def _decode_or_move_aside(self, path: Path) -> state_format.State:
        """Under the lock: what the file says, or nothing where it is damaged; then it is kept under another name."""
        try:
            return self._decode(path)
        except ValueError as error:
            aside = corrupt_name(path, self._clock().wall)
            path.rename(aside)
            self._tell(
                f"{path} was damaged ({one_line(str(error), 60)}). It is kept as {aside.name}; a new one was begun."
            )
            return state_format.EMPTY

    def _settle(self, now: Instant) -> None:
        """After a reboot or a damaged deadline: put cooldowns on the present clocks, once, and write that down."""
        merged = self._merged(now)
        changed = {
            provider: moved
            for provider, cooldown in merged.items()
            if remaining_s(cooldown, now) > 0 and (moved := settled(cooldown, now)) is not cooldown
        }
        # What a reboot outlived is over for good, even if the wall clock is set back later on.
        ended = {
            provider
            for provider, cooldown in merged.items()
            if now.boot_id and cooldown.boot_id != now.boot_id and remaining_s(cooldown, now) <= 0
        }
        if changed or ended:
            self._known = {name: each for name, each in ({**self._known, **changed}).items() if name not in ended}
            self._unsaved = {name: each for name, each in ({**self._unsaved, **changed}).items() if name not in ended}
            self._save()

    def _remove_temps(self, path: Path) -> None:
        with suppress(OSError):
            if left_over_temps(path):
                with self._locked(path):  # whoever writes holds the lock, so none of these is in use
                    for temp in left_over_temps(path):
                        temp.unlink(missing_ok=True)

    # --- writing ------------------------------------------------------------------------------------------------

    def _save(self, *, without: str | None = None) -> None:
        """Bring the file in step with what is known here; a disk that refuses leaves it in memory."""
        if self.path is None:
            self._known = self._merged(self._clock())
            self._unsaved = {}
        else:
            try:
                with self._locked(self.path):
                    self._write(self.path, without=without)
            except OSError as error:
                cause = error.strerror or str(error)
                if not self._unwritable:
                    self._tell(f"{self.path} cannot be written ({cause}): cooldowns hold in this process only.")
        if without is not None:
            self._known.pop(without, None)
            self._unsaved.pop(without, None)

    def _write(self, path: Path, *, without: str | None) -> None:
        state = self._decode_or_move_aside(path)
        # Not before: seen from an earlier moment, what another instance wrote meanwhile had not even begun, and would
        # be moved back to it.
        now = self._clock()
        on_disk = {provider: settled(each, now) for provider, each in state.cooldowns.items()}
        saving = dict(self._unsaved)
        for provider, cooldown in saving.items():
            on_disk[provider] = later(on_disk.get(provider), cooldown, now)
        if without is not None:
            on_disk.pop(without, None)
        running = {provider: each for provider, each in on_disk.items() if remaining_s(each, now) > 0}
        replace_durably(path, state_format.encode(state.document, running, now, oldest=self._oldest))
        self._known = running
        self._unsaved = {name: each for name, each in self._unsaved.items() if saving.get(name) is not each}
        self._seen = (change_mark(path),)

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """Hold the lock that all instances share; whoever cannot get it in time goes on without it.

        Raises:
            OSError: the folder cannot be written.
        """
        from filelock import FileLock, Timeout

        make_private_folder(path.parent)
        lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=LOCK_TIMEOUT_S, mode=0o600)
        # The replacement is atomic either way; without the lock an update of the one who holds it may be lost.
        with suppress(Timeout):
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _tell(self, warning: str) -> None:
        if warning not in self._told:
            self._told.add(warning)
            self._warn(warning)
