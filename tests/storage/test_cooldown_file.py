import json
import os
import stat
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from llmdesk.storage.cooldowns import CooldownFile
from tests.support.slowness import allowed
from tests.support.stored import Clocks, full_disk, run_together


@pytest.fixture
def clock():
    return Clocks()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "llm_state.json"


def opened(path, clock, **options):
    return CooldownFile(path, clock, on_warning=clock.warnings.append, **options)


@pytest.fixture
def cooldowns(path, clock):
    return opened(path, clock)


def document(path):
    return json.loads(path.read_text())


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def test_looking_creates_nothing(cooldowns, path):
    assert cooldowns.current() == {}
    assert cooldowns.remaining_s("cloud") == 0.0
    assert cooldowns.mark() is None
    assert not path.parent.exists()


def test_a_cooldown_is_on_disk_when_cool_returns(cooldowns, path, clock):
    cooldown = cooldowns.cool("cloud", "rate", "cloud: rate limited", 600.0)
    assert document(path) == {
        "version": 1,
        "cloud_cooldown_until": clock.wall + 600,
        "cooldowns": {
            "cloud": {
                "reason": "rate",
                "message": "cloud: rate limited",
                "duration_s": 600.0,
                "set_wall": clock.wall,
                "until_wall": clock.wall + 600,
                "boot_id": "boot-1",
                "until_boot": 1100.0,
            }
        },
    }
    assert cooldowns.get("cloud") == cooldown
    assert cooldowns.remaining_s("cloud") == 600.0


def test_files_are_private_and_nothing_is_left_beside_them(cooldowns, path):
    cooldowns.cool("cloud", "rate", "", 600.0)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {"llm_state.json": 0o600, "llm_state.json.lock": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_another_instance_sees_it_at_once_and_reads_only_changes(cooldowns, path, clock):
    other = opened(path, clock)
    assert other.current() == {}
    mark = other.mark()
    cooldowns.cool("local", "quota", "", 60.0)
    assert other.mark() != mark
    assert list(other.current()) == ["local"]
    seen = path.stat()
    path.write_bytes(b"x" * seen.st_size)
    import os

    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert list(other.current()) == ["local"]  # an unchanged stat is not read again
    assert clock.warnings == []


def test_a_cooldown_ends_by_itself(cooldowns, clock):
    cooldowns.cool("cloud", "rate", "", 600.0)
    clock.pass_time(599.9)
    assert cooldowns.get("cloud") is not None
    clock.pass_time(0.1)
    assert cooldowns.get("cloud") is None


def test_a_deadline_only_moves_later(cooldowns, path, clock):
    cooldowns.cool("cloud", "quota", "weekly", 3600.0)
    kept = cooldowns.cool("cloud", "rate", "again", 600.0)
    assert (kept.until_boot, kept.message) == (clock.boot + 3600, "again")
    assert document(path)["cloud_cooldown_until"] == clock.wall + 3600


def test_a_later_deadline_of_another_instance_is_never_shortened(cooldowns, path, clock):
    assert cooldowns.current() == {}
    opened(path, clock).cool("cloud", "quota", "weekly", 3600.0)
    kept = cooldowns.cool("cloud", "rate", "again", 600.0)  # before it had a look
    assert kept.until_boot == clock.boot + 3600
    assert document(path)["cooldowns"]["cloud"]["until_boot"] == clock.boot + 3600


class Overtaken:
    """A clock whose owner is held up right after its first look at it, for so long that another instance is quicker."""

    def __init__(self, clock, meanwhile):
        self.clock = clock
        self.warnings = clock.warnings
        self.meanwhile = [meanwhile]

    def __call__(self):
        now = self.clock()
        if self.meanwhile:
            self.meanwhile.pop()()
        return now


def test_whoever_waits_for_the_file_moves_no_deadline_of_a_quicker_one_back(cooldowns, path, clock):
    def quicker():
        clock.pass_time(1.5)
        cooldowns.cool("cloud", "rate", "the later limit", 600.0)

    ends = clock.wall + 1.5 + 600.0
    slower = opened(path, Overtaken(clock, quicker))
    assert slower.cool("cloud", "rate", "the earlier limit", 600.0).until_wall == ends
    assert document(path)["cooldowns"]["cloud"]["until_wall"] == ends


def test_a_slow_look_moves_no_deadline_back(cooldowns, path, clock):
    def quicker():
        clock.pass_time(1.5)
        cooldowns.cool("cloud", "rate", "", 600.0)

    cooldowns.cool("openai", "rate", "", 600.0)
    ends = clock.wall + 1.5 + 600.0
    slower = opened(path, Overtaken(clock, quicker))
    slower.current()
    assert slower.get("cloud").until_wall == ends
    assert document(path)["cooldowns"]["cloud"]["until_wall"] == ends


def test_clearing_ends_it_for_everybody(cooldowns, path, clock):
    other = opened(path, clock)
    cooldowns.cool("cloud", "rate", "", 600.0)
    cooldowns.cool("openai", "rate", "", 600.0)
    other.clear("cloud")
    other.clear("unknown")
    assert list(cooldowns.current()) == ["openai"]
    assert document(path)["cloud_cooldown_until"] == 0


def test_whoever_looks_at_what_another_instance_wrote_writes_nothing(cooldowns, path, clock):
    other = opened(path, clock)
    cooldowns.cool("openai", "rate", "", 600.0)
    mark = cooldowns.mark()
    assert list(other.current()) == ["openai"]
    cooldowns.clear("openai")
    cleared = cooldowns.mark()
    assert other.current() == {}
    assert other.mark() == cleared != mark


def test_messages_are_stored_without_secrets(cooldowns, path):
    cooldowns.cool("cloud", "rate", "key sk-abcdefghijklmnop\nsecond line", 600.0)
    assert document(path)["cooldowns"]["cloud"]["message"] == "key sk-*** second line"


# --- other formats and damage ---


def test_the_oldest_format_is_read_and_brought_up_to_date_once(cooldowns, path, clock):
    write(path, {"cloud_cooldown_until": clock.wall + 300})
    assert cooldowns.remaining_s("cloud") == pytest.approx(300.0)
    assert document(path)["cooldowns"]["cloud"]["boot_id"] == "boot-1"
    mark = cooldowns.mark()
    clock.wall -= 86_400
    assert cooldowns.remaining_s("cloud") == pytest.approx(300.0)
    assert cooldowns.mark() == mark


def test_the_oldest_key_yields_to_an_entry_of_its_own(cooldowns, path, clock):
    cooldowns.cool("cloud", "rate", "", 600.0)
    write(path, document(path) | {"cloud_cooldown_until": clock.wall + 5})
    assert cooldowns.remaining_s("cloud") == 600.0


def test_the_oldest_key_speaks_of_the_provider_it_is_told(path, clock):
    write(path, {"cloud_cooldown_until": clock.wall + 50})
    assert list(opened(path, clock, oldest="mine").current()) == ["mine"]


def test_unknown_keys_are_kept(cooldowns, path, clock):
    write(
        path,
        {
            "version": 7,
            "later": [1],
            "cooldowns": {"openai": {"duration_s": 60, "until_wall": clock.wall + 60, "x": 1}},
        },
    )
    cooldowns.cool("cloud", "rate", "", 600.0)
    kept = document(path)
    assert (kept["version"], kept["later"], kept["cooldowns"]["openai"]["x"]) == (7, [1], 1)
    assert cooldowns.remaining_s("openai") == 60.0


@pytest.mark.parametrize("until", ["253402300799", "1e400", "NaN", "-1", '"soon"', "null", "true", "[]", "9" * 400])
def test_a_corrupt_oldest_key_costs_one_cooldown_at_most(cooldowns, path, clock, until):
    write(path, f'{{"cloud_cooldown_until": {until}}}')
    assert cooldowns.remaining_s("cloud") <= 600.0
    clock.pass_time(600.0)
    assert cooldowns.remaining_s("cloud") == 0.0


@pytest.mark.parametrize("name", ["duration_s", "until_wall", "until_boot", "set_wall"])
@pytest.mark.parametrize("value", ["253402300799", "1e400", "NaN", "-1", '"x"', "null", "true", "9" * 400])
def test_a_corrupt_entry_costs_one_cooldown_at_most_and_others_stay(cooldowns, path, clock, name, value):
    cooldowns.cool("cloud", "rate", "", 600.0)
    cooldowns.cool("openai", "rate", "", 6000.0)
    content = document(path)
    content["cloud_cooldown_until"] = 0
    content["cooldowns"]["cloud"][name] = "VALUE"
    write(path, json.dumps(content).replace('"VALUE"', value))
    again = opened(path, clock)
    assert again.remaining_s("cloud") <= 600.0
    assert again.remaining_s("openai") == 6000.0
    clock.pass_time(601.0)
    assert again.remaining_s("cloud") == 0.0


@pytest.mark.parametrize("entry", [None, 5, "x", [], {}])
def test_an_unreadable_entry_is_no_cooldown_and_said_once(path, clock, entry):
    write(path, {"cooldowns": {"cloud": entry}})
    cooldowns = opened(path, clock)
    assert cooldowns.current() == {}
    assert cooldowns.current() == {}
    assert len(clock.warnings) == 1


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "5", '"x"', "\0" * 50, "[" * 100_000, '{"cooldowns": ' + "9" * 5000 + "}"]
)
def test_a_corrupt_file_is_kept_under_another_name(cooldowns, path, clock, content):
    write(path, content)
    assert cooldowns.current() == {}
    (aside,) = path.parent.glob("llm_state.json.corrupt-*")
    assert aside.read_text() == content
    assert len(clock.warnings) == 1
    assert aside.name in clock.warnings[0]
    cooldowns.cool("cloud", "rate", "", 600.0)
    assert list(document(path)["cooldowns"]) == ["cloud"]


def test_invalid_utf8_is_damage_too(cooldowns, path):
    path.parent.mkdir()
    path.write_bytes(b'{"cloud_cooldown_until": "\xff\xfe"}')
    assert cooldowns.current() == {}
    assert len(list(path.parent.glob("llm_state.json.corrupt-*"))) == 1


def test_a_byte_order_mark_is_no_damage(cooldowns, path, clock):
    write(path, "\ufeff" + json.dumps({"cloud_cooldown_until": clock.wall + 10}))
    assert cooldowns.remaining_s("cloud") == pytest.approx(10.0)


# --- disks ---


def test_a_file_deleted_while_running_comes_back_with_what_was_in_force(cooldowns, path):
    cooldowns.cool("cloud", "rate", "", 600.0)
    path.unlink()
    assert cooldowns.remaining_s("cloud") == 600.0
    assert list(document(path)["cooldowns"]) == ["cloud"]


def test_a_full_disk_leaves_the_file_whole_and_the_cooldown_in_force(cooldowns, path, clock):
    cooldowns.cool("openai", "rate", "", 900.0)
    before = path.read_bytes()
    with full_disk(10):
        cooldowns.cool("cloud", "rate", "", 600.0)
        cooldowns.cool("cloud", "rate", "", 700.0)
    assert path.read_bytes() == before
    assert cooldowns.remaining_s("cloud") == 700.0
    assert len(clock.warnings) == 1
    cooldowns.cool("local", "rate", "", 60.0)
    assert sorted(document(path)["cooldowns"]) == ["cloud", "local", "openai"]


def test_a_folder_that_cannot_be_leaves_it_in_memory(tmp_path, clock):
    (tmp_path / "file").touch()
    cooldowns = opened(tmp_path / "file" / "state" / "llm_state.json", clock)
    assert cooldowns.current() == {}
    cooldowns.cool("cloud", "rate", "", 600.0)
    assert cooldowns.remaining_s("cloud") == 600.0
    cooldowns.clear("cloud")
    assert cooldowns.current() == {}
    read, write = clock.warnings
    assert "cannot be read" in read
    assert "cannot be written" in write


def test_without_a_path_it_is_this_process_alone(clock):
    cooldowns = opened(None, clock)
    cooldowns.cool("cloud", "rate", "", 600.0)
    assert cooldowns.remaining_s("cloud") == 600.0
    assert cooldowns.mark() is None
    cooldowns.clear("cloud")
    assert cooldowns.current() == {}


def test_temporary_files_of_killed_writers_go_at_the_first_look(cooldowns, path):
    write(path, {})
    left = path.with_name(f".{path.name}.4711-abc.tmp")
    left.write_text("half")
    cooldowns.current()
    assert not left.exists()


def test_threads_lose_no_cooldown(cooldowns, path):
    threads = [threading.Thread(target=cooldowns.cool, args=(f"p{n}", "rate", "", 600.0)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(document(path)["cooldowns"]) == sorted(f"p{n}" for n in range(12))


RACE = """
import sys
from pathlib import Path
from llmdesk.storage.cooldowns import CooldownFile
cooldowns = CooldownFile(Path(sys.argv[2]), on_warning=print)
print("ready", flush=True)
sys.stdin.readline()
for n in range(20):
    cooldowns.cool(f"p{sys.argv[1]}-{n}", "rate", "", 600.0)
"""


def test_processes_lose_no_cooldown(path, clock):
    assert run_together(RACE, 3, path) == [[], [], []]
    assert len(document(path)["cooldowns"]) == 60


def test_a_deadline_that_the_disk_refused_only_moves_later_too(path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("llmdesk.storage.cooldowns.replace_durably", refuse)
    told: list[str] = []
    cooldowns = CooldownFile(path, Clocks(), on_warning=told.append)
    cooldowns.cool("cloud", "quota", "m", 86_400.0)
    cooldowns.cool("cloud", "rate", "m", 60.0)
    assert cooldowns.remaining_s("cloud") == 86_400.0
    assert told


def test_a_cooldown_that_a_reboot_outlived_stays_over_when_the_wall_clock_is_set_back(path):
    clock = Clocks()
    opened(path, clock).cool("cloud", "rate", "", 60.0)
    clock.reboot(wall_jump=60.0)
    cooldowns = opened(path, clock)
    assert cooldowns.remaining_s("cloud") == 0
    clock.wall -= 30
    assert cooldowns.remaining_s("cloud") == 0
    assert opened(path, clock).remaining_s("cloud") == 0


# --- any sequence of time, jumps, reboots and instances ---


class Cooling(RuleBasedStateMachine):
    """Two instances over one file; ``ends`` is what must come out, on a clock that only knows elapsed time."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "llm_state.json"
        self.clock = Clocks()
        self.elapsed = 0.0
        self.ends = 0.0
        self.longest = 0.0
        self.exact = True
        self.instances = [opened(self.path, self.clock), opened(self.path, self.clock)]

    @rule(duration=st.integers(1, 2000), which=st.integers(0, 1))
    def cool(self, duration, which):
        self.instances[which].cool("cloud", "rate", "", float(duration))
        self.ends = max(self.ends, self.elapsed + duration)
        self.longest = max(self.longest, float(duration))

    @rule(seconds=st.integers(1, 1500))
    def wait(self, seconds):
        self.clock.pass_time(float(seconds))
        self.elapsed += seconds

    @rule(jump=st.integers(-100_000, 100_000))
    def set_the_wall_clock(self, jump):
        self.clock.wall += jump

    @rule(jump=st.integers(-100_000, 100_000), which=st.integers(0, 1))
    def reboot(self, jump, which):
        self.clock.reboot(wall_jump=float(jump))
        self.instances = [opened(self.path, self.clock), opened(self.path, self.clock)]
        self.exact = False
        # Whatever the wall clock says now: at most one more duration (policy I4).
        self.ends = max(self.ends, self.elapsed + self.longest) if self.ends > self.elapsed else self.ends

    @rule(which=st.integers(0, 1))
    def start_again(self, which):
        self.instances[which] = opened(self.path, self.clock)

    @invariant()
    def agree(self):
        if not hasattr(self, "instances"):
            return
        left = [each.remaining_s("cloud") for each in self.instances]
        assert left[0] == left[1]
        expected = max(self.ends - self.elapsed, 0.0)
        if self.exact:
            assert left[0] == pytest.approx(expected, abs=1e-6)
        else:
            assert left[0] <= max(expected, self.longest) + 1e-6
            # From here on the boot clock counts again, so this is what must come out.
            self.ends, self.exact = self.elapsed + left[0], True
        assert self.clock.warnings == []
        assert not list(self.path.parent.glob("*corrupt*"))

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestAnySequence = Cooling.TestCase
TestAnySequence.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_what_is_no_file_is_told_and_never_waited_for(cooldowns, path, clock):
    path.parent.mkdir()
    os.mkfifo(path)
    assert cooldowns.current() == {}
    cooldowns.cool("cloud", "rate", "", 600.0)
    assert cooldowns.remaining_s("cloud") == 600.0
    assert any("no regular file" in warning for warning in clock.warnings)


@pytest.mark.parametrize("count", [20_000, 200_000])
def test_a_huge_file_is_damage_and_is_not_walked_through(cooldowns, path, count):
    entry = {"duration_s": 600, "until_wall": 9e12}
    write(path, {"version": 1, "cooldowns": {f"p{number}": entry for number in range(count)}})
    begun = time.thread_time()
    assert cooldowns.current() == {}
    cooldowns.cool("cloud", "rate", "", 600.0)
    assert time.thread_time() - begun < allowed(2)
    assert len(list(path.parent.glob("llm_state.json.corrupt-*"))) == 1
    assert list(document(path)["cooldowns"]) == ["cloud"]
