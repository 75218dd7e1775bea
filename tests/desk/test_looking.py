"""The first-run card, the doctor, and attaching files."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmdesk.core import errors
from llmdesk.core.errors import UsageError
from llmdesk.core.lanes import Lane
from llmdesk.core.prices import FREE
from llmdesk.core.types import ModelRef, Status
from llmdesk.core.views import Attachment, Level, ProviderState, ProviderStatus
from llmdesk.desk.attach import MAX_BYTES
from llmdesk.desk.doctor import attention
from llmdesk.prices import Billing, PriceBook
from llmdesk.prices.catalogue import PACKAGE
from tests.support.desk_world import DeskWorld, ask, fails

if TYPE_CHECKING:
    from pathlib import Path

    from llmdesk.core.prices import Price
    from llmdesk.core.views import Finding


@pytest.fixture
def world(tmp_path: Path) -> DeskWorld:
    return DeskWorld(tmp_path / "home")


# --- discover ---


def without_cloud(world: DeskWorld) -> None:
    world.rules["cloud"] = replace(world.rules["cloud"], disabled="cloud: OLLAMA_API_KEY is not set.")


async def test_where_nothing_is_installed_every_gap_is_named_and_the_demo_is_offered(world: DeskWorld) -> None:
    without_cloud(world)
    world.local.list_error = errors.NetworkFailed(
        "local: connection refused at 127.0.0.1:11434. Start it with: ollama serve"
    )
    async with world.desk() as desk:
        found = await desk.discover()
    assert not found.can_answer
    assert [(f.topic, f.level) for f in found.findings] == [
        ("cloud", Level.NOTE), ("local", Level.PROBLEM), ("demo", Level.NOTE),
    ]  # fmt: skip
    assert "OLLAMA_API_KEY" in found.findings[0].text
    assert "ollama serve" in found.findings[1].text
    assert found.findings[2].hint == "llmdesk demo"


async def test_an_ollama_without_models_is_told_what_to_pull(world: DeskWorld) -> None:
    without_cloud(world)
    world.local.models = ()
    async with world.desk() as desk:
        found = await desk.discover()
    assert not found.can_answer
    local = found.findings[1]
    assert local.level is Level.PROBLEM
    assert "no model" in local.text
    assert local.hint == "ollama pull gemma3:4b"


async def test_where_all_is_well_no_demo_is_offered(world: DeskWorld) -> None:
    async with world.desk() as desk:
        found = await desk.discover()
    assert found.can_answer
    assert [(f.topic, f.level) for f in found.findings] == [("cloud", Level.OK), ("local", Level.OK)]
    assert found.findings[1].text == "local: answers, 2 models."


async def test_a_program_that_was_found_is_not_said_to_answer(world: DeskWorld) -> None:
    world.rules["cloud"] = replace(world.rules["cloud"], kind="command", has_key=False)
    async with world.desk() as desk:
        texts = {f.topic: f.text for f in (await desk.discover()).findings}
    assert texts["cloud"] == "cloud: is installed, 0 models, sign-in not tried."


async def test_a_resting_cloud_alone_cannot_answer(world: DeskWorld) -> None:
    world.local.list_error = errors.NetworkFailed("local: connection refused.")
    world.cloud.script(fails(errors.RateLimited("cloud: rate limited.")))
    async with world.desk() as desk:
        assert (await ask(desk)).status is Status.PAUSED
        found = await desk.discover()
    assert not found.can_answer
    assert found.findings[0].text == "cloud: resting after a limit."


async def test_several_that_need_attention_share_one_line_with_each_reason(world: DeskWorld) -> None:
    world.cloud.list_error = errors.KeyRejected("cloud: key rejected (401). Check $CLOUD_KEY.")
    world.local.list_error = errors.NetworkFailed("local: connection refused at 127.0.0.1:11434.")
    async with world.desk() as desk:
        found = await desk.discover()
    problems = [finding for finding in found.findings if finding.level is Level.PROBLEM]
    (problem,) = problems
    assert problem.text == (
        "2 of 2 providers need attention: cloud: key rejected (401). Check $CLOUD_KEY; "
        "local: connection refused at 127.0.0.1:11434"
    )
    assert problem.hint == "llmdesk providers check"
    assert not found.can_answer


def test_what_needs_attention_is_counted_and_who_has_no_key_is_not() -> None:
    def status(name: str, state: ProviderState, message: str = "") -> ProviderStatus:
        return ProviderStatus(provider=name, kind="openai", state=state, message=message)

    well = status("a", ProviderState.OK)
    keyless = status("b", ProviderState.NO_KEY, "no key: set B_KEY")
    down = status("c", ProviderState.DOWN, "c: connection refused.")
    assert attention([well, keyless]) == ""
    assert attention([well, keyless, down]) == "1 of 3 providers needs attention: c: connection refused"
    assert attention([down, status("d", ProviderState.ATTENTION)]) == (
        "2 of 2 providers need attention: c: connection refused; d: needs attention"
    )


# --- doctor ---


async def test_the_doctor_says_where_each_key_comes_from(world: DeskWorld) -> None:
    async with world.desk(providers=world.facts({"cloud": "the keychain entry llmdesk/cloud"})) as desk:
        texts = [finding.text for finding in await desk.doctor() if finding.topic == "provider"]
    assert texts[0].endswith("key from the keychain entry llmdesk/cloud")
    assert "key" not in texts[1]


async def test_the_doctor_leaves_the_remedy_to_a_message_that_tells_one_and_lets_nothing_follow_it(
    world: DeskWorld,
) -> None:
    world.cloud.list_error = errors.SetupBroken("cloud: tool is not on the PATH. Install it: npm install -g tool")
    async with world.desk(providers=world.facts({"cloud": "the key in the file"})) as desk:
        found = next(f for f in await desk.doctor() if f.text.startswith("cloud "))
    assert found.text.endswith("key in the file, tool is not on the PATH. Install it: npm install -g tool")
    assert found.hint == "Then run: llmdesk providers check"


async def test_the_doctor_looks_at_everything_and_finds_a_healthy_desk_healthy(world: DeskWorld) -> None:
    async with world.desk() as desk:
        await ask(desk)
        findings = await desk.doctor()
    topics = [f.topic for f in findings]
    assert topics == ["version", "libraries", "configuration", "data", "state", "provider", "provider", "database"]
    assert all(f.level is Level.OK for f in findings), findings
    assert all(not f.hint for f in findings)


async def test_a_folder_others_can_read_is_a_problem_with_its_remedy(world: DeskWorld) -> None:
    async with world.desk() as desk:
        world.paths.data_dir.chmod(0o755)
        (finding,) = [f for f in await desk.doctor() if f.topic == "data"]
    assert finding.level is Level.PROBLEM
    assert "0755" in finding.text
    assert finding.hint == f"chmod go= {world.paths.data_dir}"


async def test_what_is_wrong_with_providers_and_database_is_a_problem_with_its_remedy(world: DeskWorld) -> None:
    world.cloud.list_error = errors.KeyRejected("cloud: key rejected (401).")
    world.local.list_error = errors.NetworkFailed("local: connection refused.")
    desk = world.desk()
    desk._parts.warnings.append("something to know")
    async with desk:
        world.paths.database.unlink(missing_ok=True)
        world.paths.database.mkdir()
        findings = {f.text.split(" ")[0]: f for f in await desk.doctor() if f.topic in ("provider", "note", "database")}
    assert findings["cloud"].level is findings["local"].level is Level.PROBLEM
    assert "llmdesk providers check" in findings["cloud"].hint
    assert findings["something"].level is Level.NOTE
    (database,) = [f for f in findings.values() if f.topic == "database"]
    assert (database.level, bool(database.hint)) == (Level.PROBLEM, True)


async def test_the_doctor_never_shows_a_key(world: DeskWorld) -> None:
    from llmdesk.core.text import redact

    redact.learn("canary-key-value")
    world.cloud.list_error = errors.KeyRejected("cloud: key rejected.")
    async with world.desk() as desk:
        assert "canary-key-value" not in repr(await desk.doctor())


# --- attach ---

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"plain text\n", Attachment(name="f", text="plain text\n")),
        ("\ufeffGr\u00fc\u00dfe\r\n".encode(), Attachment(name="f", text="Grüße\r\n")),
        (b"", Attachment(name="f", text="")),
        (PNG, Attachment(name="f", image=PNG)),
        (b"\xff\xd8\xff\xe0jpeg", Attachment(name="f", image=b"\xff\xd8\xff\xe0jpeg")),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", Attachment(name="f", image=b"RIFF\x00\x00\x00\x00WEBPVP8 ")),
        (b"GIF89a....", Attachment(name="f", image=b"GIF89a....")),
        (b"BM\x3a\0\0\0\0\0\0\0\x36", Attachment(name="f", image=b"BM\x3a\0\0\0\0\0\0\0\x36")),
        (b"BM is how this text begins", Attachment(name="f", text="BM is how this text begins")),
    ],
)
async def test_a_file_is_read_as_what_its_content_says(
    world: DeskWorld, tmp_path: Path, content: bytes, read: Attachment
) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    async with world.desk() as desk:
        assert desk.attach(path) == read


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\x7fELF\x02\xff\xfe", "neither UTF-8 text nor an image"), (b"text with a \0 in it\xff", "neither UTF-8"),
     (b"x" * (MAX_BYTES + 1), "larger than 20 MiB")],
    ids=["binary", "nul", "large"],
)  # fmt: skip
async def test_what_no_model_reads_is_refused_with_its_name(
    world: DeskWorld, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(content)
    async with world.desk() as desk:
        with pytest.raises(UsageError, match=words) as refused:
            desk.attach(path)
    assert "file.bin" in str(refused.value)


async def test_what_is_no_file_is_refused(world: DeskWorld, tmp_path: Path) -> None:
    async with world.desk() as desk:
        for wrong in (tmp_path / "missing", tmp_path, tmp_path / "missing" / "deeper", tmp_path / ("x" * 300)):
            with pytest.raises(UsageError):
                desk.attach(wrong)


# --- prices ---


def metered(world: DeskWorld, written: dict[str, Price] | None = None) -> PriceBook:
    """The cloud of ``world`` is paid by the token, at an address that a list of prices could know."""
    world.rules["cloud"] = replace(world.rules["cloud"], kind="openai", free=False)
    world.lanes["paid"] = Lane(name="paid", targets=tuple(ModelRef("cloud", f"m{n}") for n in range(4)))
    billing = {"cloud": Billing(free=False, base_url="https://api.vendor.example/v1"), "local": Billing(free=True)}
    return PriceBook(billing, written or {})


async def prices_in(world: DeskWorld, prices: PriceBook) -> list[Finding]:
    async with world.desk(prices=prices) as desk:
        return [finding for finding in await desk.doctor() if finding.topic == "prices"]


async def test_models_without_a_price_are_named_once_with_both_remedies(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    world.aliases["cloud"] = {"m0": "really-m0"}
    (finding,) = await prices_in(world, metered(world))
    assert finding.level is Level.NOTE
    assert finding.text == "nobody knows what these cost: cloud/big:120b, cloud/really-m0, cloud/m1 and 2 more"
    assert finding.hint == "pip install 'llmdesk[prices]', or write their price under models:"


async def test_prices_that_are_written_or_of_a_provider_that_is_down_are_not_missed(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    names = ("big:120b", "m0", "m1", "m2", "m3")
    assert await prices_in(world, metered(world, {f"cloud/{name}": FREE for name in names})) == []
    world.cloud.list_error = errors.NetworkFailed("cloud: no route")
    assert await prices_in(world, metered(world)) == []


async def test_where_the_list_is_installed_or_everything_is_free_nothing_is_said(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await prices_in(world, metered(world)) == []
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    free = PriceBook({"cloud": Billing(free=True, base_url="https://ollama.com")}, {})
    assert await prices_in(world, free) == []
