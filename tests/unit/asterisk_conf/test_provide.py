"""Which Asterisk is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from asterisk_conf import debs, provide
from asterisk_conf.debs import Tree
from asterisk_conf.errors import ProvideError


def says(path: Path, text: str) -> Path:
    """Make a program that prints one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{text}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An unpacked Asterisk 22, and no other on the PATH."""
    root = tmp_path / "tree"
    for name in (
        "usr/lib/x86_64-linux-gnu/asterisk/modules/chan_pjsip.so",
        "usr/share/asterisk/documentation/x",
    ):
        (root / name).parent.mkdir(parents=True)
        (root / name).touch()
    unpacked = says(tmp_path / "unpacked", "Asterisk 22.10.1+dfsg-1")
    monkeypatch.setattr(debs, "provide", lambda *_: Tree(root, "sid"))
    monkeypatch.setattr(Tree, "command", lambda *_: [str(unpacked)])
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return root


@pytest.mark.parametrize("installed", ["Asterisk 16.28.0~dfsg-0", "Asterisk 18.10.0", "something else"])
def test_an_installed_asterisk_that_is_too_old_is_passed_over(
    tree: Path, tmp_path: Path, installed: str
) -> None:
    says(tmp_path / "bin/asterisk", installed)
    found = provide.find(tmp_path)
    assert found.version == (22, 10, 1)
    assert found.module_dir == tree / "usr/lib/x86_64-linux-gnu/asterisk/modules"
    assert found.data_dir == tree / "usr/share/asterisk"


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5", (20, 6, 0)),
        ("Asterisk certified-20.7-cert3", (20, 7)),
        ("Asterisk certified/20.7", (20, 7)),
    ],
)
def test_an_installed_asterisk_that_is_recent_enough_is_used(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, version: tuple[int, ...]
) -> None:
    program = says(tmp_path / "bin/asterisk", printed)
    monkeypatch.setattr(provide, "_ROOTS", (tree,))
    found = provide.find(tmp_path)
    assert (found.command, found.version[: len(version)]) == ((str(program),), version)


def test_a_mirror_with_an_old_asterisk_only_is_refused(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = says(tmp_path / "old", "Asterisk 18.10.0")
    monkeypatch.setattr(Tree, "command", lambda *_: [str(old)])
    with pytest.raises(ProvideError, match=r"has 18\.10\.0; install a newer one"):
        provide.find(tmp_path)
