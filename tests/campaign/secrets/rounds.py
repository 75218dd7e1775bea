"""One round of the secrets campaign: a household, some doings, and the search for what got out."""

from __future__ import annotations

import random
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.campaign.secrets import doings
from tests.campaign.secrets.canaries import Search
from tests.campaign.secrets.household import arrived, household

if TYPE_CHECKING:
    from tests.campaign.secrets.canaries import Canary
    from tests.campaign.secrets.doings import Told
    from tests.campaign.secrets.household import Household


ADDRESSES = ("password of the proxy", "password in an address")
"""Canaries that stand in variables with addresses, which are no provider's key."""


@dataclass(kw_only=True)
class Round:
    """What a round found. ``searched`` counts files, streams, children and requests that were looked through."""

    seed: int
    story: list[str]
    leaks: list[str] = field(default_factory=list)
    processes: int = 0
    searched: int = 0


def play(seed: int, *, most: int = 5, looks: int = 6, screen: bool = True) -> Round:
    """Play the round of this seed; the same seed and limits make the same round.

    Args:
        seed: decides everything that is drawn.
        most: the most ways of asking.
        looks: how many commands that only show.
        screen: the desk may be opened in a terminal too.
    """
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="llmdesk-secrets-") as folder, household(rng, Path(folder)) as house:
        return _Judge(seed, house).play(rng, most=most, looks=looks, screen=screen)


class _Judge:
    """Plays one round and searches everything that it left."""

    def __init__(self, seed: int, house: Household) -> None:
        self._house = house
        self._search = Search([*house.keys, *house.words])
        self._found = Round(seed=seed, story=house.story)

    def play(self, rng: random.Random, *, most: int, looks: int, screen: bool) -> Round:
        house = self._house
        critic_asked = False
        for name in rng.choices(list(doings.ASKING), k=rng.randint(min(3, most), most)):
            self._told(doings.ASKING[name](house, rng))
            critic_asked = critic_asked or name == "check"
        if rng.random() < 0.25 and screen:
            self._told(doings.SCREEN(house, rng))
        for words in rng.sample(doings.LOOKS, looks):
            self._told(doings.look(house, words))
        self._told(*doings.show_everything(house))
        self._files("afterwards")
        self._told(*doings.take_all_away(house))
        if house.record != "off-record":
            kept = (
                {house.attached.name, house.system.name, house.answer.name} if critic_asked else set()
            )  # no conversation of its own
            self._gone(kept)
        self._requests()
        self._children()
        return self._found

    def _leak(self, canary: Canary, where: str) -> None:
        line = f"{canary.name}: {where}"
        if line not in self._found.leaks:
            self._found.leaks.append(line)

    def _told(self, *told: Told) -> None:
        for each in told:
            self._house.story.append(f"{each.name.splitlines()[0]} -> {each.code}")
            self._found.processes += 1
            for stream, content in (("stdout", each.out), ("stderr", each.err)):
                self._found.searched += 1
                for canary in self._search.found(content):
                    if canary.kind == "key":
                        self._leak(canary, f"{stream} of {each.name.splitlines()[0]}")
                if b"Traceback (most recent call last)" in content and "broken" not in each.name:
                    self._found.leaks.append(f"a traceback: {stream} of {each.name}")

    def _files(self, when: str) -> None:
        """No key but in the configuration that holds it, which is private; words only where they are recorded."""
        house = self._house
        for folder in ("home", "cwd", "tmp"):
            found = self._search.below(house.folder / folder)
            self._found.searched += sum(1 for path in (house.folder / folder).rglob("*") if path.is_file())
            for canary, name in found:
                if canary.kind == "key":
                    here = folder == "home" and name.startswith("config/llmdesk.yaml") and canary in house.in_file
                    if not (here and self._private(house.folder / folder / name)):
                        self._leak(canary, f"{folder}/{name}, {when}")
                elif not self._may_hold(canary, folder, name):
                    self._leak(canary, f"{folder}/{name}, {when} ({house.record})")

    def _may_hold(self, canary: Canary, folder: str, name: str) -> bool:
        house = self._house
        if (folder, name) in (("home", "config/system.md"), ("cwd", "attached.md")):
            return True
        return house.record != "off-record" and folder == "home" and name.startswith("data/llmdesk.db")

    @staticmethod
    def _private(path: Path) -> bool:
        return not stat.S_IMODE(path.stat().st_mode) & 0o077

    def _gone(self, kept: set[str]) -> None:
        """What was deleted is in no file any more, in no page of the database either."""
        for canary, name in self._search.below(self._house.folder / "home", lambda path: path.parts[0] != "config"):
            if canary.kind == "words" and canary.name not in kept:
                self._leak(canary, f"{name}, after everything was deleted")

    def _requests(self) -> None:
        """A key goes to its own server, in a header; a collector is told no word."""
        house = self._house
        for door in house.doors:
            for seen in door.server.seen():
                self._request(f"{door.name}'s server at {seen.path}", *arrived(seen), own=door.own, words=True)
        if house.collector is not None:
            for seen in house.collector.seen():
                self._request("the collector", *arrived(seen), own=house.collector_keys, words=False)
        if house.proxy is not None:
            own = [key for key in house.keys if key.name == "password of the proxy"]
            for seen in house.proxy.seen():
                self._request("the proxy", *arrived(seen), own=own, words=True)

    def _request(self, where: str, heads: bytes, rest: bytes, *, own: list[Canary], words: bool) -> None:
        self._found.searched += 1
        for canary in self._search.found(heads):
            if canary not in own:
                self._leak(canary, f"a header at {where}")
        for canary in self._search.found(rest):
            if canary.kind == "key" or not words:
                self._leak(canary, f"a request at {where}")

    def _children(self) -> None:
        """Nobody's command line holds a secret, and no environment but the tool's that is to have it."""
        house = self._house
        if house.watch.events == 0:
            self._found.leaks.append("nothing was heard of the program: the watch did not work")
        for child in house.watch.children():
            self._found.searched += 1
            program = " ".join(child.argv)[:50]
            for canary in self._search.found("\n".join(child.argv).encode()):
                self._leak(canary, f"the command line of {program}")
            held = "\n".join(f"{name}={value}" for name, value in child.env.items())
            for canary in self._search.found(held.encode()):
                a_tool = canary in house.tool_keys and child.argv[-1].endswith("tool.py")
                # A command that fetches a key may need the network, and has the user's own addresses for it.
                a_command = canary.name in ADDRESSES and child.argv[0] == "cat"
                if not (a_tool or a_command):
                    self._leak(canary, f"the environment of {program}")
