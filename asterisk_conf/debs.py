"""Debian packages unpacked as an ordinary user into a tree of their own.

Nothing is installed: apt resolves and downloads with a private state folder, the packages are unpacked side
by side, and programs run from there. A tree from another suite than the machine's runs through that suite's
own dynamic loader, so that its libc never meets the machine's; a tree from the machine's own suite holds only
what the machine lacks and is added to the library path.

The mirror is the one that the machine's own apt sources name, and the distribution's own keyring verifies it.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from asterisk_conf.errors import ProvideError

HOST = "host"
"""The suite name that means the machine's own."""

_STAMP = ".hotline-tree.json"
_FORMAT = 1
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,80}")
_URI = re.compile(r"^'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+)", re.MULTILINE)
_UPDATE_SECONDS = 600
_DOWNLOAD_SECONDS = 3600
_UNPACK_SECONDS = 600
_TAR_OPTIONS = ("--keep-directory-symlink", "--no-same-owner", "--no-same-permissions")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a tree is."""

    stage: str
    """``index`` (package lists), ``download`` (bytes) or ``unpack`` (packages)."""
    done: int
    """Units done in this stage."""
    total: int
    """Units in this stage; 0 while unknown."""


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Tree:
    """Unpacked packages and how to run programs from them."""

    root: Path
    """Folder that stands for ``/``."""
    suite: str
    """Suite the packages came from, or ``host``."""

    @property
    def libraries(self) -> tuple[Path, ...]:
        """Folders of shared libraries inside the tree, in search order."""
        folders: list[Path] = []
        for triplet in sorted((self.root / "usr/lib").glob("*-linux-*")):
            folders.append(triplet)
            folders.extend(
                sub for sub in sorted(triplet.iterdir()) if sub.is_dir() and any(sub.glob("lib*.so*"))
            )
        folders.append(self.root / "usr/lib")
        return tuple(folders)

    def path(self, program: str) -> Path:
        """Return the executable of a program: a bare name, or a path inside the tree.

        Wrapper scripts are passed over, because they name absolute paths outside the tree.

        Raises:
            ProvideError: when neither the tree nor (for the host's suite) the machine has it.
        """
        if "/" in program:
            found = self.root / program
            if found.is_file():
                return found
        else:
            places = [f"usr/bin/{program}", f"usr/sbin/{program}", f"usr/lib/{program}/{program}"]
            candidates = [self.root / place for place in places]
            candidates += sorted((self.root / "usr/lib").glob(f"*/*/bin/{program}"), reverse=True)
            for candidate in candidates:
                if candidate.is_file() and _is_elf(candidate):
                    return candidate
        if self.suite == HOST and (installed := shutil.which(program)) is not None:
            return Path(installed)
        raise ProvideError(f"{self.root}: no program {program!r} here; remove the tree to unpack it again")

    def command(self, program: str) -> list[str]:
        """Return the beginning of the command line that runs a program; append its arguments.

        Raises:
            ProvideError: when the program is not there.
        """
        executable = self.path(program)
        if self.suite == HOST:
            return [str(executable)]
        return [
            str(self._loader()),
            "--library-path",
            ":".join(map(str, self.libraries)),
            "--argv0",
            executable.name,
            str(executable),
        ]

    def env(self) -> dict[str, str]:
        """Return the environment variables to add for programs of this tree."""
        if self.suite == HOST:
            inherited = os.environ.get("LD_LIBRARY_PATH")
            paths = [*map(str, self.libraries), *([inherited] if inherited else [])]
            return {"LD_LIBRARY_PATH": ":".join(paths)}
        env: dict[str, str] = {}
        for folder in self.libraries:
            for key, name in (("OPENSSL_MODULES", "ossl-modules"), ("GCONV_PATH", "gconv")):
                if (folder / name).is_dir():
                    env[key] = str(folder / name)
        config = self.root / "etc/ssl/openssl.cnf"
        env["OPENSSL_CONF"] = str(config if config.is_file() else "/dev/null")  # never the machine's own
        return env

    def _loader(self) -> Path:
        machine = platform.machine().replace("_", "-")
        for pattern in (
            f"usr/lib*/ld-linux-{machine}.so.*",
            "usr/lib*/ld-linux*.so.*",
            "usr/lib/*/ld-linux*.so.*",
        ):
            for loader in sorted(self.root.glob(pattern)):
                return loader
        raise ProvideError(f"{self.root}: the tree has no dynamic loader; remove the tree to unpack it again")


def die_with_us(by: str = "TERM") -> tuple[str, ...]:
    """Words before a command line that make it end, by this signal, when we do (util-linux; else nothing)."""
    return ("setpriv", "--pdeathsig", by, "--") if shutil.which("setpriv") else ()


def provide(packages: Sequence[str], suite: str, into: Path, progress: Report | None = None) -> Tree:
    """Unpack packages with their dependencies into a folder, or return the tree that is already there.

    Downloads are kept in ``debs`` beside the folder. The tree appears under its name only when it is whole.
    A tree unpacked for other packages or another suite is replaced.

    Args:
        packages: package names.
        suite: a suite of the machine's distribution such as ``sid``, or ``host`` for the machine's own.
        into: folder of the tree; its parent is the cache.
        progress: called often while something is done, from this thread.

    Raises:
        ProvideError: a name is odd, apt is missing or fails, or the download is refused.
    """
    for name in packages:
        if not _PACKAGE.fullmatch(name):
            raise ProvideError(f"package name {name!r} may hold only a-z, 0-9, '+', '-' and '.'")
    wanted = {"format": _FORMAT, "packages": sorted(set(packages)), "suite": suite}
    into = into.absolute()
    if _stamp(into) == wanted:
        return Tree(into, suite)
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise ProvideError(f"{tool} is not on this machine; install {', '.join(packages)} in its own way")
    report = progress or (lambda _: None)
    debs = into.parent / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    with _locked(debs / ".lock"):
        if _stamp(into) == wanted:  # somebody else built it while we waited
            return Tree(into, suite)
        files = _download(_Apt.prepare(debs, suite), sorted(set(packages)), debs, report)
        for stale in into.parent.glob(f".{into.name}.partial-*"):
            shutil.rmtree(stale)
        partial = into.parent / f".{into.name}.partial-{os.getpid()}"
        _unpack(files, partial, report)
        (partial / _STAMP).write_text(json.dumps(wanted), encoding="utf-8")
        if into.exists():
            old = into.parent / f".{into.name}.partial-old"
            into.rename(old)
            partial.rename(into)
            shutil.rmtree(old)
        else:
            partial.rename(into)
    return Tree(into, suite)


@dataclass(frozen=True, slots=True)
class _Apt:
    """apt-get with its own state, cache and sources."""

    config: Path
    lists: Path

    @classmethod
    def prepare(cls, debs: Path, suite: str) -> _Apt:
        private = debs / f".apt-{suite}"
        for folder in ("state/lists/partial", "cache", "etc"):
            (private / folder).mkdir(parents=True, exist_ok=True)
        (debs / "partial").mkdir(exist_ok=True)
        empty = private / "state/status"
        empty.touch()
        sources = private / "etc/sources.list"
        sources.write_text(_sources(suite), encoding="utf-8")
        settings = {
            "Dir::State": private / "state",
            "Dir::State::Lists": private / "state/lists",
            "Dir::State::status": "/var/lib/dpkg/status" if suite == HOST else empty,
            "Dir::Cache": private / "cache",
            "Dir::Cache::Archives": debs,
            "Dir::Etc::SourceList": sources,
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
            "APT::Install-Recommends": "false",
            "APT::Keep-Downloaded-Packages": "true",
            "Binary::apt-get::APT::Keep-Downloaded-Packages": "true",
            "APT::Sandbox::User": "",
            "Debug::NoLocking": "true",
        }
        config = private / "apt.conf"
        config.write_text("".join(f'{key} "{value}";\n' for key, value in settings.items()), encoding="utf-8")
        return cls(config=config, lists=private / "state/lists")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*die_with_us(), "apt-get", "-q", *arguments],
            env=os.environ
            | {"APT_CONFIG": str(self.config), "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, seconds: float, tick: Callable[[], None] = lambda: None) -> str:
        """Run apt-get to its end, calling ``tick`` about three times a second.

        Raises:
            ProvideError: it failed or took longer than ``seconds``.
        """
        process = self.start(*arguments)
        deadline = time.monotonic() + seconds
        output = ""
        while True:
            try:
                output, _ = process.communicate(timeout=0.3)
                break
            except subprocess.TimeoutExpired:
                tick()
                if time.monotonic() > deadline:
                    process.kill()
                    process.communicate()
                    raise ProvideError(
                        f"apt-get {arguments[0]} took over {seconds:.0f} s; try again"
                    ) from None
        if process.returncode != 0:
            tail = "\n".join(output.strip().splitlines()[-6:])
            raise ProvideError(f"apt-get {' '.join(arguments)[:200]} failed:\n{tail}")
        return output


def _sources(suite: str) -> str:
    """Return the lines of a sources.list for a suite, with the mirror of the machine's own sources."""
    targets = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout.splitlines()
    release = platform.freedesktop_os_release()
    codename, distribution = release.get("VERSION_CODENAME", ""), release.get("ID", "")
    rows = {(row[0], row[1], row[2]) for line in targets if len(row := line.split()) == 3}
    own = sorted(row for row in rows if row[1] == codename or row[1].startswith(f"{codename}-"))
    mirrors = [uri for uri, name, component in own if name == codename and component == "main"]
    if not codename or not mirrors:
        raise ProvideError(
            f"the apt sources of this machine name no mirror of its suite {codename or '(unknown)'!r}; "
            "add one, or install the programs yourself"
        )
    keyring = Path(f"/usr/share/keyrings/{distribution}-archive-keyring.gpg")
    option = f"[signed-by={keyring}] " if keyring.is_file() else ""
    if suite == HOST:
        return "".join(f"deb {option}{uri} {name} {component}\n" for uri, name, component in own)
    return f"deb {option}{mirrors[0]} {suite} main\n"


def _download(apt: _Apt, packages: list[str], debs: Path, report: Report) -> list[Path]:
    """Fetch packages and what they depend on; return the files."""
    report(Progress("index", 0, 0))
    try:
        apt.run("update", seconds=_UPDATE_SECONDS, tick=lambda: report(Progress("index", 0, 0)))
    except ProvideError:
        if not any(apt.lists.glob("*_Packages*")):  # with lists from before, kept downloads may be enough
            raise
    install = ["install", "-y", "--no-install-recommends", "--reinstall", *packages]
    planned = apt.run(*install, "--print-uris", seconds=_UPDATE_SECONDS)
    missing = [(debs / unquote(row["file"]), int(row["size"])) for row in _URI.finditer(planned)]
    total = sum(size for _, size in missing)

    def tick() -> None:
        done = sum(_size(file, debs / "partial" / file.name) for file, _ in missing)
        report(Progress("download", min(done, total), total))

    tick()
    apt.run(*install, "--download-only", seconds=_DOWNLOAD_SECONDS, tick=tick)
    tick()
    simulated = apt.run(*install, "--simulate", seconds=_UPDATE_SECONDS)
    chosen = re.findall(r"^Inst (\S+) (?:\[[^]]*\] )?\((\S+) .*\[(\S+)\]\)", simulated, re.MULTILINE)
    files = [debs / _file_name(name, version, architecture) for name, version, architecture in chosen]
    if absent := [file.name for file in files if not file.is_file()]:
        raise ProvideError(f"apt-get fetched no {', '.join(absent)}; remove {debs} and try again")
    if not files:
        raise ProvideError(f"apt-get found nothing to fetch for {', '.join(packages)}")
    return files


def _file_name(name: str, version: str, architecture: str) -> str:
    return f"{name.split(':')[0]}_{version.replace(':', '%3a')}_{architecture}.deb"


def _unpack(files: list[Path], root: Path, report: Report) -> None:
    """Unpack package files over one another into a merged-/usr tree."""
    for folder in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / folder).mkdir(parents=True)
        (root / folder).symlink_to(f"usr/{folder}")
    for number, file in enumerate(files):
        report(Progress("unpack", number, len(files)))
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE) as source:
            done = subprocess.run(
                [
                    "tar",
                    "-x",
                    "-C",
                    root,
                    "--keep-directory-symlink",
                    "--no-same-owner",
                    "--no-same-permissions",
                ],
                stdin=source.stdout,
                capture_output=True,
                text=True,
                timeout=_UNPACK_SECONDS,
                check=False,
            )
        if source.returncode != 0 or done.returncode != 0:
            file.unlink(missing_ok=True)  # so that the next try fetches it again
            raise ProvideError(f"{file.name} cannot be unpacked: {done.stderr.strip()[-200:]}; try again")
    report(Progress("unpack", len(files), len(files)))


def _stamp(root: Path) -> object:
    """Return what a tree was unpacked for, or None when there is no whole tree."""
    try:
        return json.loads((root / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _size(*places: Path) -> int:
    for place in places:
        try:
            return place.stat().st_size
        except FileNotFoundError:
            continue
    return 0


def _is_elf(file: Path) -> bool:
    try:
        with file.open("rb") as handle:
            return handle.read(4) == b"\x7fELF"
    except PermissionError:
        return False


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    """Hold an exclusive lock on a file; wait for it."""
    with path.open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
