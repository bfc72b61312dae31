"""Trees of unpacked packages: how programs are found and started, and when a tree counts as whole."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from asterisk_conf.debs import HOST, Tree, provide
from asterisk_conf.errors import ProvideError


def program(path: Path, content: bytes = b"\x7fELF program") -> Path:
    """Make an executable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a loader and two folders of libraries."""
    program(tmp_path / "usr/lib64/ld-linux-x86-64.so.2")
    program(tmp_path / "usr/lib/x86_64-linux-gnu/libc.so.6")
    program(tmp_path / "usr/lib/x86_64-linux-gnu/blas/libblas.so.3")
    (tmp_path / "usr/lib/x86_64-linux-gnu/ossl-modules").mkdir()
    return tmp_path


def test_a_program_of_another_suite_runs_through_that_suites_loader(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    executable = program(root / "usr/sbin/asterisk")
    libraries = root / "usr/lib/x86_64-linux-gnu"
    assert Tree(root, "sid").command("asterisk") == [
        str(root / "usr/lib64/ld-linux-x86-64.so.2"),
        "--library-path",
        f"{libraries}:{libraries / 'blas'}:{root / 'usr/lib'}",
        "--argv0",
        "asterisk",
        str(executable),
    ]


def test_a_program_of_another_suite_never_reads_the_machines_openssl_settings(root: Path) -> None:
    env = Tree(root, "sid").env()
    assert env["OPENSSL_CONF"] == "/dev/null"
    assert env["OPENSSL_MODULES"] == str(root / "usr/lib/x86_64-linux-gnu/ossl-modules")
    assert "LD_LIBRARY_PATH" not in env


def test_a_program_of_the_machines_own_suite_is_started_directly(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    executable = program(root / "usr/bin/sipp")
    assert Tree(root, HOST).command("sipp") == [str(executable)]
    paths = Tree(root, HOST).env()["LD_LIBRARY_PATH"].split(":")
    assert paths[0] == str(root / "usr/lib/x86_64-linux-gnu")
    assert paths[-1] == "/opt/lib"


def test_a_wrapper_script_is_passed_over_for_the_program_itself(root: Path) -> None:
    program(root / "usr/bin/chromium", b"#!/bin/sh\n")
    real = program(root / "usr/lib/chromium/chromium")
    assert Tree(root, HOST).path("chromium") == real


def test_a_program_in_a_versions_own_folder_is_found_newest_first(root: Path) -> None:
    program(root / "usr/lib/postgresql/14/bin/initdb")
    newest = program(root / "usr/lib/postgresql/15/bin/initdb")
    assert Tree(root, HOST).path("initdb") == newest


def test_a_program_that_is_nowhere_is_named(root: Path) -> None:
    with pytest.raises(ProvideError, match="no program 'no-such-program'"):
        Tree(root, HOST).command("no-such-program")


def test_a_tree_of_another_suite_does_not_fall_back_to_the_machines_programs(root: Path) -> None:
    with pytest.raises(ProvideError, match="no program 'sh'"):
        Tree(root, "sid").command("sh")


def test_a_whole_tree_is_used_again_without_asking_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = {"format": 1, "packages": ["aa", "bb"], "suite": "sid"}
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/.hotline-tree.json").write_text(json.dumps(stamp), encoding="utf-8")
    monkeypatch.setenv("PATH", "")
    assert provide(["bb", "aa", "bb"], "sid", tmp_path / "tree") == Tree(tmp_path / "tree", "sid")


@pytest.mark.parametrize("stamp", ["", "{", '{"format": 1, "packages": ["aa"], "suite": "sid"}', None])
def test_a_tree_that_is_broken_or_for_other_packages_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stamp: str | None
) -> None:
    (tmp_path / "tree").mkdir()
    if stamp is not None:
        (tmp_path / "tree/.hotline-tree.json").write_text(stamp, encoding="utf-8")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProvideError, match="apt-get is not on this machine"):
        provide(["aa", "bb"], "sid", tmp_path / "tree")


@pytest.mark.parametrize("name", ["-o=Dir=/", "a b", "", "A", "a;b", "../a"])
def test_a_package_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProvideError, match="package name"):
        provide([name], "sid", tmp_path / "tree")
