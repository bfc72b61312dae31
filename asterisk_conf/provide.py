"""Asterisk itself: the one installed on this machine, or one unpacked into the cache."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf import debs
from asterisk_conf.errors import ProvideError

OLDEST = (20, 0)
"""The oldest release whose behaviour the dialplan was written for."""

PACKAGES = (
    "asterisk",
    "asterisk-config",
    "asterisk-core-sounds-en-gsm",
    "asterisk-core-sounds-en-wav",
    "asterisk-modules",
    "asterisk-moh-opsound-wav",
)

_ROOTS = (Path("/"), Path("/usr/local"))
_VERSION = re.compile(r"^Asterisk (?:certified[-/])?(\d+)\.(\d+)(?:[.-](\d+))?")


@dataclass(frozen=True, slots=True)
class AsteriskInstall:
    """An Asterisk that can be run."""

    version: tuple[int, ...]
    """For example ``(22, 10, 1)``."""
    command: tuple[str, ...]
    """Beginning of the command line; append Asterisk's own options."""
    env: Mapping[str, str]
    """Environment variables to add."""
    module_dir: Path
    """Folder of ``chan_pjsip.so`` and its like."""
    data_dir: Path
    """Folder of ``documentation``, ``moh``, ``sounds`` and ``static-http``."""


def find(cache: Path, progress: debs.Report | None = None) -> AsteriskInstall:
    """Return the installed Asterisk if it is recent enough, otherwise the unpacked one, fetched when needed.

    Args:
        cache: folder of unpacked trees; the tree is ``<cache>/asterisk``.
        progress: told about downloads.

    Raises:
        ProvideError: there is none, and none can be fetched.
    """
    installed = _installed()
    if installed is not None:
        return installed
    suite = "sid" if platform.freedesktop_os_release().get("ID") == "debian" else debs.HOST
    tree = debs.provide(PACKAGES, suite, cache / "asterisk", progress)
    command, env = tuple(tree.command("asterisk")), tree.env()
    version = _version(command, env)
    if version is None or version < OLDEST:
        raise ProvideError(
            f"Asterisk {OLDEST[0]} or newer is needed, the mirror of this machine has {_dotted(version)}; "
            "install a newer one so that `asterisk` is on the PATH"
        )
    return AsteriskInstall(
        version=version,
        command=command,
        env=env,
        module_dir=_module_dir([tree.root]),
        data_dir=_data_dir([tree.root]),
    )


def _installed() -> AsteriskInstall | None:
    """Return the Asterisk on the PATH, or None when there is none or it is too old."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    program = shutil.which("asterisk", path=places)
    if program is None:
        return None
    version = _version((program,), {})
    if version is None or version < OLDEST:
        return None
    roots = list(_ROOTS)
    return AsteriskInstall(
        version=version, command=(program,), env={}, module_dir=_module_dir(roots), data_dir=_data_dir(roots)
    )


def _version(command: tuple[str, ...], env: Mapping[str, str]) -> tuple[int, ...] | None:
    try:
        done = subprocess.run(
            [*command, "-V"], env=os.environ | env, capture_output=True, text=True, timeout=30, check=False
        )
    except OSError as error:
        raise ProvideError(f"{command[-1]} cannot be run: {error.strerror}; remove its tree") from error
    match = _VERSION.match(done.stdout)
    return tuple(int(part) for part in match.groups() if part is not None) if match else None


def _dotted(version: tuple[int, ...] | None) -> str:
    return ".".join(map(str, version)) if version else "none that runs"


def _module_dir(roots: list[Path]) -> Path:
    patterns = ("usr/lib/*-linux-*/asterisk/modules", "usr/lib*/asterisk/modules", "lib*/asterisk/modules")
    for root in roots:
        for pattern in patterns:
            for folder in sorted(root.glob(pattern)):
                if (folder / "chan_pjsip.so").is_file():
                    return folder
    raise ProvideError(f"no Asterisk module folder with chan_pjsip.so under {', '.join(map(str, roots))}")


def _data_dir(roots: list[Path]) -> Path:
    for root in roots:
        for place in ("usr/share/asterisk", "var/lib/asterisk"):
            if (root / place / "documentation").is_dir():
                return root / place
    raise ProvideError(f"no Asterisk data folder with its documentation under {', '.join(map(str, roots))}")
