"""The project as a whole: locks in step, links that lead somewhere, nothing that belongs to one machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("acd", "asr", "asterisk_conf", "cti", "ivr_flows", "orders")

LINK = re.compile(r"\]\(([^)#\s]+)")
FOREIGN = re.compile(
    r"pypi\.(?:org|python\.org)|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org|npmmirror|"
    r"(?<![\w.])/(?:root|work|home/\w+)/"
)
"""Hosts of package registries, and folders of the machine that something was written on."""
TEXT = {".py", ".md", ".toml", ".lock", ".json", ".yaml", ".yml", ".ts", ".vue", ".j2", ".xml", ".html", ""}


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def canonical(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def locked(file: str) -> dict[str, str]:
    found = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", (ROOT / file).read_text("utf-8"), re.MULTILINE
    )
    return {canonical(name): version for name, version in found}


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = {canonical(one) for one in project["project"]["dependencies"]}
    for_tests = {canonical(one) for one in project["dependency-groups"]["dev"]}

    assert needed <= locked("requirements.lock").keys()
    assert needed | for_tests <= locked("requirements-dev.lock").keys()


def test_tests_run_with_the_versions_that_are_shipped() -> None:
    shipped, tested = locked("requirements.lock"), locked("requirements-dev.lock")

    assert {name: tested.get(name) for name in shipped} == shipped


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_hashes(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")

    packages = re.findall(r"^[A-Za-z0-9].*==", text, re.MULTILINE)
    assert packages
    assert len(re.findall(r"^[A-Za-z0-9].*==.+ \\\n +--hash=sha256:", text, re.MULTILINE)) == len(packages)


def test_nothing_names_a_registry_or_a_folder_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        if path.suffix in TEXT and path != Path(__file__)
        for match in FOREIGN.finditer(path.read_text("utf-8", "replace"))
    ]

    assert found == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in tracked()
        if path.suffix == ".md"
        for target in LINK.findall(path.read_text("utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]

    assert broken == []


def test_both_readmes_say_the_same_commands_and_folders() -> None:
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
    pattern = r"`(?:\./)?hotline [a-z][^`]*`|`[a-z_]+/`|\]\([^)]+\)"

    def said(text: str) -> set[str]:
        return set(re.findall(pattern, text)) - {"](README.md)", "](README.zh-CN.md)"}

    assert said(english) == said(chinese)
    assert english.count("\n#") == chinese.count("\n#")


def test_every_room_is_on_the_map() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text("utf-8")

    assert [room for room in ROOMS if f"`{room}/`" not in architecture] == []


def test_modules_that_the_map_names_exist() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    files = re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.(?:py|conf\.j2|yaml))`", architecture)
    missing = [name for name in files if not any((ROOT / start / name).exists() for start in ("", "cti"))]

    assert files
    assert missing == []


def test_every_setting_is_in_the_handbook() -> None:
    from dataclasses import fields, is_dataclass
    from typing import get_type_hints

    from cti.settings import Settings

    handbook = (ROOT / "docs" / "operations.md").read_text("utf-8")
    missing = []
    for name, hint in get_type_hints(Settings).items():
        if not is_dataclass(hint):
            continue
        for item in fields(hint):
            if not re.search(rf"`(?:{name}\.)?{item.name}`|^{item.name} = ", handbook, re.MULTILINE):
                missing.append(f"{name}.{item.name}")

    assert [key for key in missing if key not in {"asterisk.nodes"}] == []
