"""What is installed is what was locked: every file with its hash, from the package index and nowhere else."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
OTHERS = [package for package in LOCK["package"] if package["source"] != {"editable": "."}]


def test_the_lock_holds_packages() -> None:
    assert len(OTHERS) > 50


@pytest.mark.parametrize("package", OTHERS, ids=lambda package: f"{package['name']}-{package['version']}")
def test_every_file_of_a_package_has_its_hash_and_comes_from_the_index(package: dict[str, object]) -> None:
    assert package["source"] == {"registry": "https://pypi.org/simple"}
    files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]  # type: ignore[misc]
    assert files
    for file in files:
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"])
        assert file["url"].startswith("https://files.pythonhosted.org/packages/")


def test_every_direct_dependency_is_in_the_lock() -> None:
    told = [*PROJECT["project"]["dependencies"]]
    for group in (PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]):
        told += [word for words in group.values() for word in words]
    names = {re.split(r"[^A-Za-z0-9_.-]", word)[0].lower().replace("_", "-").replace(".", "-") for word in told}
    assert names <= {package["name"] for package in LOCK["package"]}


def test_the_builder_of_the_wheel_is_one_exact_version() -> None:
    (builder,) = PROJECT["build-system"]["requires"]
    assert re.fullmatch(r"[a-z-]+==[0-9.]+", builder)


def test_the_outside_servers_are_locked_with_hashes_too() -> None:
    import json

    packages = json.loads((ROOT / "tests/outside/package-lock.json").read_text(encoding="utf-8"))["packages"]
    fetched = {name: entry for name, entry in packages.items() if name and not entry.get("link")}
    assert fetched
    assert all(entry["integrity"].startswith("sha512-") for entry in fetched.values())
