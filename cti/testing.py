"""`hotline test`: installs what tests need, then runs static checks, the desk's tests, and pytest.

The last line is what a reader (or CI) looks for: pytest's own summary. Anything that fails makes the exit
status non-zero, and everything else is still run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from asr.errors import AsrError
from asr.model import find_model
from asterisk_conf import debs, provide
from asterisk_conf.errors import AsteriskConfError
from cti import deskbuild
from cti.bench.browser import PACKAGES
from cti.errors import StartError
from cti.settings import hotline_home

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("cti", "ivr_flows", "acd", "asr", "orders", "asterisk_conf", "tests")

DEBIAN = {
    "chromium": "chromium",
    "sipp": "sip-tester",
}
"""Program -> Debian package: installed when missing, or, by an ordinary user, unpacked into the cache."""

_SIDE_BY_SIDE = ("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder", "--durations=25")
"""A whole run takes two files at a time: most tests wait for telephones, and more would make them late.
Files keep their order: those with browsers come first, so that no worker ends alone with one of them."""

FONT = "fonts-noto-cjk"
KEPT = frozenset({"HOTLINE_HOME", "HOTLINE_CHROMIUM", "HOTLINE_TEST_KEEP"})
"""Variables that tests may see; an operator's settings are none of theirs."""


def test(pytest_arguments: Sequence[str], *, quick: bool) -> int:
    """Run everything and return 0 when all of it passed."""
    failures: list[str] = []
    environment = _environment()
    if not quick:
        _install_programs()
        _fetch(failures)
        _build_desk(failures)
    python = sys.executable
    checks = [
        ("ruff check", [python, "-m", "ruff", "check", *ROOMS]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", *ROOMS]),
        ("mypy", [python, "-m", "mypy"]),
        ("import rules", [str(Path(python).with_name("lint-imports")), "--no-cache"]),
    ]
    if not quick:
        checks.append(("desk: types and tests", ["npm", "run", "check"]))
    for name, command in checks:
        folder = ROOT / "agent_desktop" if command[0] == "npm" else ROOT
        _step(name)
        if subprocess.run(command, cwd=folder, env=environment, check=False).returncode:
            failures.append(name)
    _step("pytest")
    chosen = list(pytest_arguments) or [*_SIDE_BY_SIDE, *(["tests/unit"] if quick else [])]
    if subprocess.run([python, "-m", "pytest", *chosen], cwd=ROOT, env=environment, check=False).returncode:
        failures.append("pytest")
    for name in failures:
        _say(f"FAILED: {name}")
    return 1 if failures else 0


def _environment() -> dict[str, str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_") or name in KEPT
    }
    environment["PYTHONPATH"] = str(ROOT)
    environment["HOTLINE_CACHE"] = str(_cache())
    try:
        node = deskbuild.node_folder(_cache(), _say)
        environment["PATH"] = f"{node}:{environment.get('PATH', '')}"
    except StartError as error:
        _say(str(error))
    return environment


def _build_desk(failures: list[str]) -> None:
    _step("web desk")
    try:
        deskbuild.install(_cache(), _say)
        deskbuild.build(_cache(), _say)
    except StartError as error:
        _say(str(error))
        failures.append("web desk")


def _install_programs() -> None:
    """Install Debian's packages when root on a machine with apt."""
    missing = [package for program, package in DEBIAN.items() if shutil.which(program) is None]
    if "chromium" in missing:
        missing.append(FONT)
    if not missing or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    _step(f"apt-get install {' '.join(missing)}")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(
            ["apt-get", *arguments], env=quiet, stdout=subprocess.DEVNULL, timeout=900, check=False
        )
        if done.returncode:
            _say(f"apt-get {arguments[0]} failed with {done.returncode}")


def _fetch(failures: list[str]) -> None:
    """Fetch what is still missing into the cache, as any user; the tests that need it find it there."""
    _step("Asterisk, speech model, browser")
    parts: list[tuple[str, Callable[[], object]]] = [
        ("Asterisk", lambda: provide.find(_cache())),
        ("speech model", lambda: find_model(None, _cache())),
    ]
    if shutil.which("chromium") is None and "HOTLINE_CHROMIUM" not in os.environ:
        parts.append(("chromium", lambda: debs.provide(PACKAGES, debs.HOST, _cache() / "chromium")))
    if shutil.which("sipp") is None:
        parts.append(("sipp", lambda: debs.provide((DEBIAN["sipp"],), debs.HOST, _cache() / "sipp")))
    for name, fetch in parts:
        try:
            fetch()
        except (AsteriskConfError, AsrError) as error:
            _say(f"{name}: {error}")
            failures.append(name)


def _cache() -> Path:
    return hotline_home() / "cache"


def _step(name: str) -> None:
    _say(f"== {name}  ({time.strftime('%H:%M:%S')})")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
