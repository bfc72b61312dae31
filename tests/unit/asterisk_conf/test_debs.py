"""Trees of unpacked packages: how programs are found and started, and when a tree counts as whole."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from asterisk_conf import debs
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


FAKE_APT = """#!/bin/sh
# stands for apt-get: one package whose file lies in $MIRROR; counts its downloads
case "$*" in
  indextargets*) . /etc/os-release; echo "http://mirror.example/d $VERSION_CODENAME main" ;;
  *update*) grep -q "^deb .*http://mirror.example/d sid main" "$(dirname "$APT_CONFIG")/etc/sources.list" ;;
  *print-uris*) echo "'http://mirror.example/d/hello.deb' hello_1%3a1_all.deb 100 SHA256:0" ;;
  *simulate*) echo "Inst hello (1:1 Debian:unstable [all])" ;;
  *download-only*) echo x >> "$MIRROR/downloads"; test -e "$MIRROR/hello.deb" || exit 100
    cp "$MIRROR/hello.deb" "$DEBS/hello_1%3a1_all.deb" ;;
  *) exit 1 ;;
esac
"""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one real package file, and an apt-get that serves it."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not on this machine")
    source = tmp_path / "source"
    program(source / "bin/hello", b"\x7fELF hello")
    program(source / "lib/x86_64-linux-gnu/libhello.so.1")
    (source / "DEBIAN").mkdir()
    control = {"Package": "hello", "Version": "1:1", "Architecture": "all", "Maintainer": "N <n@example.org>"}
    lines = [f"{key}: {value}\n" for key, value in (control | {"Description": "hello"}).items()]
    (source / "DEBIAN/control").write_text("".join(lines), encoding="utf-8")
    folder = tmp_path / "mirror"
    folder.mkdir()
    subprocess.run(["dpkg-deb", "-b", source, folder / "hello.deb"], check=True, capture_output=True)
    program(tmp_path / "tools/apt-get", FAKE_APT.encode())
    monkeypatch.setenv("PATH", f"{tmp_path / 'tools'}:{os.environ['PATH']}")
    monkeypatch.setenv("MIRROR", str(folder))
    monkeypatch.setenv("DEBS", str(tmp_path / "cache/debs"))
    return folder


def test_packages_are_unpacked_over_one_usr_and_kept(mirror: Path, tmp_path: Path) -> None:
    seen: list[debs.Progress] = []
    tree = provide(["hello"], "sid", tmp_path / "cache/tree", seen.append)
    assert tree.path("hello").read_bytes() == b"\x7fELF hello"
    assert (tree.root / "usr/lib/x86_64-linux-gnu/libhello.so.1").is_file()
    assert [progress.stage for progress in seen[:1] + seen[-1:]] == ["index", "unpack"]
    assert provide(["hello"], "sid", tmp_path / "cache/tree") == tree
    assert (mirror / "downloads").read_text(encoding="utf-8") == "x\n"


def test_a_download_that_fails_leaves_no_tree(mirror: Path, tmp_path: Path) -> None:
    (mirror / "hello.deb").unlink()
    with pytest.raises(ProvideError, match=r"apt-get .*--download-only failed"):
        provide(["hello"], "sid", tmp_path / "cache/tree")
    assert not (tmp_path / "cache/tree").exists()


def test_a_broken_package_leaves_no_tree_and_the_next_try_succeeds(mirror: Path, tmp_path: Path) -> None:
    whole = (mirror / "hello.deb").read_bytes()
    (mirror / "hello.deb").write_bytes(whole[:200])
    with pytest.raises(ProvideError, match=r"hello_1%3a1_all\.deb cannot be unpacked"):
        provide(["hello"], "sid", tmp_path / "cache/tree")
    assert not (tmp_path / "cache/tree").exists()
    (mirror / "hello.deb").write_bytes(whole)
    tree = provide(["hello"], "sid", tmp_path / "cache/tree")
    assert tree.path("hello").is_file()
    left = sorted(entry.name for entry in (tmp_path / "cache").iterdir())
    assert left == ["debs", "tree"]


def test_a_tree_for_other_packages_is_replaced(mirror: Path, tmp_path: Path) -> None:
    old = tmp_path / "cache/tree"
    program(old / "usr/bin/old")
    (old / ".hotline-tree.json").write_text(
        '{"format": 1, "packages": ["old"], "suite": "sid"}', encoding="utf-8"
    )
    tree = provide(["hello"], "sid", old)
    assert tree.path("hello").is_file()
    assert not (old / "usr/bin/old").exists()


def test_two_that_want_the_same_tree_unpack_it_once(mirror: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        trees = list(pool.map(lambda _: provide(["hello"], "sid", tmp_path / "cache/tree"), range(3)))
    assert len(set(trees)) == 1
    assert (mirror / "downloads").read_text(encoding="utf-8") == "x\n"
