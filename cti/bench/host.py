"""The machine that is measured on, and what its processes use. Source: proc(5)."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a figure was measured on."""

    cpu: str  # model
    cores: int  # that this process may use
    memory_gb: float  # 10^9 bytes
    kernel: str  # release
    load_before: float  # load average of the last minute before the run


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one process has used so far."""

    cpu_s: float  # user and system time, all threads
    rss_mb: float  # resident memory now, MiB


def machine() -> Machine:
    """Describe this machine now."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cpu=_cpu_model((PROC / "cpuinfo").read_text(encoding="utf-8", errors="replace")),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(pages * size / 1e9, 1),
        kernel=platform.release(),
        load_before=round(os.getloadavg()[0], 2),
    )


def used(pid: int) -> Used:
    """What a process has used.

    Raises:
        FileNotFoundError: there is no such process.
    """
    # the command's name stands in brackets and may hold blanks and brackets itself
    fields = (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    resident = int((PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1])
    return Used(
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS,
        rss_mb=round(resident * os.sysconf("SC_PAGE_SIZE") / _MIB, 1),
    )


def used_by(pids: Mapping[str, int]) -> dict[str, Used]:
    """What each of these processes has used; one that is gone is left out."""
    found: dict[str, Used] = {}
    for name, pid in pids.items():
        try:
            found[name] = used(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _cpu_model(cpuinfo: str) -> str:
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    return platform.machine()
