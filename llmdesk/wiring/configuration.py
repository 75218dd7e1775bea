"""The configuration file of a running desk: has it changed, what follows from it now, and what a change would make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmdesk.config.keeping import propose, write
from llmdesk.core.edits import LaneEntry
from llmdesk.desk.parts import Change
from llmdesk.telemetry import why_not
from llmdesk.wiring.adapters import unchanged
from llmdesk.wiring.setup import load, schema_faults, setup_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from llmdesk.config.loader import Loaded
    from llmdesk.core.edits import Edit, Proposal
    from llmdesk.paths import Paths
    from llmdesk.wiring.adapters import AdapterShelf
    from llmdesk.wiring.setup import Lasting

Mark = tuple[int, int, int] | None


def mark_of(file: Path) -> Mark:
    """Whether it is the same file as before, at the price of one look: time, number and size; ``None`` = no file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


class ConfigurationFile:
    """The file that a desk was made from, or would be.

    Args:
        paths: where it is.
        env: the environment, the same for every reading.
        loaded: what it said when the desk was made.
        mark: which file that was.
        lasting: what every setup is built on.
        adapters: those in use.
    """

    def __init__(
        self,
        paths: Paths,
        env: Mapping[str, str],
        loaded: Loaded,
        *,
        mark: Mark,
        lasting: Lasting,
        adapters: AdapterShelf,
    ) -> None:
        self._paths = paths
        self._env = env
        self._first = self._loaded = loaded
        self._mark = mark
        self._lasting = lasting
        self._adapters = adapters

    @property
    def changed(self) -> bool:
        """It is not the file any more that was read last."""
        return mark_of(self._paths.config_file) != self._mark

    def read(self) -> Callable[[], Change]:
        """Read and check all of it; it may take a while. What is returned takes it over, on the loop, at once.

        Raises:
            ConfigurationError: it has faults.
        """
        self._mark = mark_of(self._paths.config_file)
        loaded = load(self._paths, self._env)
        return lambda: self._take(loaded)

    def _take(self, loaded: Loaded) -> Change:
        same = unchanged(self._loaded, loaded)
        left, self._adapters = self._adapters, self._adapters.renewed(loaded)
        self._loaded = loaded
        endpoint = self._first.settings.telemetry.otlp_endpoint
        return Change(
            setup=setup_of(loaded, self._adapters, self._lasting),
            unchanged=same,
            left=left,
            notes=self._later(loaded),
            mute=bool(endpoint and why_not(endpoint, local_only=loaded.settings.privacy.network == "local-only")),
        )

    def _later(self, loaded: Loaded) -> list[str]:
        """What only another start takes over."""
        before, now = self._first.settings, loaded.settings
        differs = {
            "privacy.record": before.privacy.record != now.privacy.record,
            "telemetry": before.telemetry != now.telemetry,
        }
        return [f"{name} has changed; that holds from the next start on." for name, is_so in differs.items() if is_so]

    # --- changes that the user makes on the screen ---

    def lanes(self) -> tuple[LaneEntry, ...]:
        """The lanes as they were read last, in their order."""
        written = self._written_lanes()
        return tuple(
            LaneEntry(
                name=name,
                targets=lane.targets,
                failover=lane.failover,
                resume=lane.resume,
                system=lane.system or "",
                params=lane.params.model_dump(exclude_none=True, exclude_defaults=True),
                written=name in written,
            )
            for name, lane in self._loaded.settings.lanes.items()
        )

    def _written_lanes(self) -> frozenset[str]:
        from llmdesk.config.source import read_source
        from llmdesk.config.yaml_tree import read_tree
        from llmdesk.core.errors import ConfigurationError

        if self._loaded.file is None:
            return frozenset()
        try:
            root = read_tree(read_source(self._loaded.file).text).root
        except ConfigurationError:  # it is gone, or broken by now: what was read last holds
            return frozenset()
        lanes = root.get("lanes") if isinstance(root, dict) else None
        return frozenset(lanes) if isinstance(lanes, dict) else frozenset()

    def propose(self, edits: Sequence[Edit]) -> Proposal:
        """Say what edits would make of the file.

        Raises:
            ConfigurationError: it has faults, or would have them.
            UsageError: a setting cannot be reached.
        """
        return propose(self._paths.config_file, edits, self._env, check_schema=schema_faults)

    def write(self, proposal: Proposal) -> Path | None:
        """Put a proposal in place of the file; returns the copy of what was there.

        Raises:
            UsageError: the file is another one by now, or cannot be written.
        """
        return write(proposal, at=self._lasting.clock())
